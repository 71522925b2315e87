-- Returns to whom a resource was ever charged, by name, with the counts of the opened buckets that
-- end after a moment.
--
-- KEYS: the prefix. ARGV: the resource, the moment in milliseconds, the first bound of the names,
-- as ZRANGEBYLEX has it; how many at most.
-- Returns the last name looked at, nothing at the end; the number of buckets and each as it is
-- written; then the name of each user and a count or nothing for each bucket.

local LOOKED_AT = 500
local resource, at, bound, most = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])

-- Returns true if something was charged, or is left over from before the first line.
local function is_charged(name)
  if call('HEXISTS', root .. 'balances:subject:' .. resource, name) == 1 then return true end
  local moments, looked_at = key_of('moments', 'subject', resource, name), 0
  repeat
    local entries = call('ZRANGE', moments, looked_at, looked_at + 99)
    for _, entry in ipairs(entries) do
      if CHARGES[string.match(entry, '^%d+ (%a+)')] then return true end
    end
    looked_at = looked_at + 100
  until #entries < 100
  return false
end

local texts, places = {}, {}
local ends = call('ZRANGEBYSCORE', root .. 'places:subject:' .. resource, '(' .. whole(at), '+inf')
for _, text in ipairs(ends) do
  local place = read_place(text)
  if place.is_counted and (place.shape == 'first' or place.start <= at) then
    table.insert(texts, text)
    table.insert(places, place.id)
  end
end

local names = call('ZRANGEBYLEX', root .. 'accounts:subject:' .. resource, bound, '+', 'LIMIT', 0,
  LOOKED_AT)
local found = { '', whole(#texts), unpack(texts) }
local told = 0
for index, name in ipairs(names) do
  if told == most or index == LOOKED_AT then
    found[1] = names[index - 1]
    break
  end
  if is_charged(name) then
    told = told + 1
    table.insert(found, name)
    for _, place in ipairs(places) do
      table.insert(found, call('HGET', root .. 'counts:' .. place, name) or '')
    end
  end
end
return found
