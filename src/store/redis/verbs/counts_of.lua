-- Returns counts of an opened bucket.
--
-- KEYS: the prefix. ARGV: the id of the bucket, its resource; then accounts.
-- Returns the latest moment of the lines about the resource that were taken out, or nothing; then
-- the count of each account or nothing.

local found = { call('HGET', root .. 'pruned', ARGV[2]) or '' }
for index = 3, #ARGV do
  table.insert(found, call('HGET', root .. 'counts:' .. ARGV[1], ARGV[index]) or '')
end
return found
