-- Returns some of the counts that are kept of an opened bucket, as long as the books are of one
-- epoch.
--
-- KEYS: the prefix. ARGV: the epoch, the id of the bucket, where to go on, from 0.
-- Returns where to go on, 0 at the end; then accounts and their counts. Nothing at all if the
-- epoch is another.

local epoch, place, cursor = unpack(ARGV)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local some = call('HSCAN', root .. 'counts:' .. place, cursor, 'COUNT', 500)
table.insert(some[2], 1, some[1])
return some[2]
