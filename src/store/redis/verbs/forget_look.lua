-- Returns what the books know of a subject and of the name that it is to be given.
--
-- KEYS: the prefix. ARGV: the subject, the pseudonym.
-- Returns the epoch; then of each 1 if the books know it, or 0, and its newest line or nothing.

-- Returns true if the books know the name.
local function is_known(name)
  if call('EXISTS', root .. 'lines:' .. name, root .. 'holds:' .. name) > 0 then return true end
  if call('HEXISTS', root .. 'grants', name) == 1 then return true end
  for _, resource in ipairs(call('SMEMBERS', root .. 'resources')) do
    if call('HEXISTS', root .. 'balances:subject:' .. resource, name) == 1 then return true end
  end
  return false
end

local found = { call('GET', root .. 'epoch') or '0' }
for _, name in ipairs(ARGV) do
  table.insert(found, is_known(name) and '1' or '0')
  table.insert(found, call('ZREVRANGE', root .. 'lines:' .. name, 0, 0)[1] or '')
end
return found
