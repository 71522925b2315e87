-- Replaces what a subject has of its own.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the subject                      ARGV[2]  what it has, as JSON, or nothing
-- ARGV[3]  the version it was written from
-- Answers  'written' and the new version; 'conflict' and why

if is_stale(ARGV[3]) then
  return conflict('the policy was changed by someone else: try again')
end
put_grants(ARGV[1], ARGV[2])
call('HINCRBY', root .. 'policy', 'version', 1)
return { 'written', policy_version() }
