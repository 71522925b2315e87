-- Returns the parts that are kept of an account, and the newest line that is in them.
--
-- KEYS: the prefix. ARGV: the epoch, per, resource, account.
-- Returns the newest line, in 20 digits; the first moment of which parts are kept, or nothing; then
-- parts and what they come to. Nothing at all if the epoch is another.

local epoch, per, resource, account = unpack(ARGV)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local found = call('HGETALL', key_of('part', per, resource, account))
table.insert(found, 1, call('HGET', root .. 'parts', per .. ':' .. resource) or '')
table.insert(found, 1, padded(call('GET', root .. 'last-line') or '0'))
return found
