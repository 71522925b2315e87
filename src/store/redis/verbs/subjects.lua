-- Returns whom the books know, by name.
--
-- KEYS: the prefix. ARGV: what the names begin with; the first bound, as ZRANGEBYLEX has it; how
-- many at most.
-- Returns the last name looked at, nothing at the end; then each name and the latest moment of its
-- lines, in milliseconds, or `-`.

local LOOKED_AT = 500
local prefix, bound, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local resources = call('SMEMBERS', root .. 'resources')

-- Returns the latest moment; `-` if there is none; nil if the name is not known.
local function last_of(name)
  local last
  for _, resource in ipairs(resources) do
    local newest = call('ZREVRANGE', key_of('moments', 'subject', resource, name), 0, 0,
      'WITHSCORES')
    local at = tonumber(newest[2] or '')
    if at and (not last or last < at) then last = at end
  end
  if last then return whole(last) end
  if call('HEXISTS', root .. 'grants', name) == 1 then return '-' end
  for _, resource in ipairs(resources) do
    if call('HEXISTS', root .. 'balances:subject:' .. resource, name) == 1 then return '-' end
  end
  return nil
end

local names = call('ZRANGEBYLEX', root .. 'subjects', bound, '+', 'LIMIT', 0, LOOKED_AT)
local found = { '' }
local told = 0
for index, name in ipairs(names) do
  if string.sub(name, 1, #prefix) ~= prefix then break end
  if told == most or index == LOOKED_AT then
    found[1] = names[index - 1]
    break
  end
  local last = last_of(name)
  if last then
    told = told + 1
    table.insert(found, name)
    table.insert(found, last)
  end
end
return found
