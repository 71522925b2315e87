-- Begins an import: makes a root of its own, in which nobody looks yet.
--
-- KEYS: the prefix. ARGV: the version of the policy that was seen; 1 if nobody else keeps anything
-- of its own.
-- Returns a word and what it says: `root` and what the keys of the new root begin with behind the
-- prefix, or `conflict` and why.

if is_stale(ARGV[1]) then return conflict('the policy was changed by someone else: try again') end
local new = 'g' .. whole(call('INCR', KEYS[1] .. 'generations')) .. ':'
call('ZADD', KEYS[1] .. 'importing', whole(server_time() + 60000), new)
-- No root is called that: whoever prunes next looks for what this one leaves.
call('SET', KEYS[1] .. 'swept', '?')
if ARGV[2] ~= '1' then
  call('COPY', root .. 'grants', KEYS[1] .. new .. 'grants')
  call('COPY', root .. 'granted', KEYS[1] .. new .. 'granted')
  call('COPY', root .. 'granted', KEYS[1] .. new .. 'subjects')
end
return { 'root', new }
