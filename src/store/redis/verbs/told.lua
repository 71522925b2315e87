-- Returns up to which notice a target was told; one that is new begins behind the newest.
--
-- KEYS: the prefix. ARGV: the target. Reads `last-notice`, writes `told`. Returns an id.

local told = call('HGET', root .. 'told', ARGV[1])
if told then return told end
local newest = call('GET', root .. 'last-notice') or '0'
call('HSET', root .. 'told', ARGV[1], newest)
return newest
