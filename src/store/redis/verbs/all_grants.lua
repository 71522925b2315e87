-- Returns who has something of its own, by name.
--
-- KEYS: the prefix. ARGV: the first bound, as ZRANGEBYLEX has it; how many at most.
-- Returns the name of each and what it has, as JSON.

local found = {}
local names = call('ZRANGEBYLEX', root .. 'granted', ARGV[1], '+', 'LIMIT', 0, ARGV[2])
for _, name in ipairs(names) do
  table.insert(found, name)
  table.insert(found, call('HGET', root .. 'grants', name) or '{}')
end
return found
