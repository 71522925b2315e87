-- Adds what parts of an account lack.
--
-- KEYS: the prefix. ARGV: the epoch, per, resource, account; then parts and what is to be added.
-- Returns 1; nothing, and writes nothing, if the epoch is another.

local epoch, per, resource, account = unpack(ARGV, 1, 4)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local key = key_of('part', per, resource, account)
for index = 5, #ARGV, 2 do add_to_part(key, ARGV[index], amount.read(ARGV[index + 1])) end
return 1
