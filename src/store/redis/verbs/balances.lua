-- Returns some of what accounts had used of a resource before the first line, as long as the books
-- are of one epoch.
--
-- KEYS: the prefix. ARGV: the epoch, per, resource, where to go on, from 0.
-- Returns where to go on, 0 at the end; then accounts and their balances. Nothing at all if the
-- epoch is another.

local epoch, per, resource, cursor = unpack(ARGV)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local some = call('HSCAN', root .. 'balances:' .. per .. ':' .. resource, cursor, 'COUNT', 500)
table.insert(some[2], 1, some[1])
return some[2]
