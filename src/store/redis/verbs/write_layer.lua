-- Replaces a layer of the policy, and closes the buckets of resources that add up otherwise by it.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  'file' or 'store'                ARGV[2]  the layer as JSON
-- ARGV[3]  the version it was written from
-- ARGV[4]  as JSON: resource, and how it adds up now, for every resource with an opened bucket
-- Answers  'written' and the new version; 'conflict' and why; 'again' if a resource is missing

if is_stale(ARGV[3]) then
  return conflict('the policy was changed by someone else: try again')
end
if not closes_changed(cjson.decode(ARGV[4])) then return { 'again' } end
call('HINCRBY', root .. 'policy', 'version', 1)
call('HSET', root .. 'policy', ARGV[1], ARGV[2])
return { 'written', policy_version() }
