-- Remembers up to which notice a target was told; never goes back.
--
-- KEYS: the prefix. ARGV: the target, the id of a notice. Writes `told`.

local told = call('HGET', root .. 'told', ARGV[1])
if not told or padded(told) < padded(ARGV[2]) then call('HSET', root .. 'told', ARGV[1], ARGV[2]) end
return 1
