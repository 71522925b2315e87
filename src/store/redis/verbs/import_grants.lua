-- Puts what subjects have of their own into the root of an import.
--
-- KEYS: the prefix. ARGV: the root of the import; then a subject and what it has, as JSON, or
-- nothing, each.
-- Returns 1; 0 if the import was given up.

if not goes_on(ARGV[1]) then return 0 end
local old = root
root = KEYS[1] .. ARGV[1]
for index = 2, #ARGV, 2 do
  local subject, grants = ARGV[index], ARGV[index + 1]
  if grants == '' then
    call('HDEL', root .. 'grants', subject)
    call('ZREM', root .. 'granted', subject)
  else
    call('HSET', root .. 'grants', subject, grants)
    call('ZADD', root .. 'granted', 0, subject)
    -- One that has nothing yet is in that index without harm.
    call('ZADD', old .. 'subjects', 0, subject)
    call('ZADD', root .. 'subjects', 0, subject)
  end
end
return 1
