-- Returns notices, oldest first.
--
-- KEYS: the prefix. ARGV: the id behind which to begin, in 20 digits; how many at most.
-- Returns the id and the text of each.

local found = {}
local ids = call('ZRANGEBYLEX', root .. 'notices', '(' .. ARGV[1], '+', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  table.insert(found, id)
  table.insert(found, call('HGET', root .. 'notice', id) or '')
end
return found
