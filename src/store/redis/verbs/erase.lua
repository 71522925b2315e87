-- Takes away a part of all keys under the prefix.
--
-- KEYS: the prefix. ARGV: where to go on, from 0. Returns where to go on; 0 at the end.

local found = call('SCAN', ARGV[1], 'MATCH', KEYS[1] .. '*', 'COUNT', 1000)
for _, key in ipairs(found[2]) do call('UNLINK', key) end
return found[1]
