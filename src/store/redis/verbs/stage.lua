-- Puts counts, or parts, of a bucket that is being opened where nobody sees them yet.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the token of the claim           ARGV[2]  'counts' or 'parts'
-- ARGV[3]  the id of the bucket             ARGV[4]  per, ARGV[5] resource
-- ARGV[6]  as JSON, of counts: an account, its count (places.lua) and its members, each; of parts:
--          an account, a part (keys.rs) and what it comes to, each
-- Answers  'staged', or 'lost' if the claim ran out

if call('GET', root .. 'opening') ~= ARGV[1] then return { 'lost' } end
call('PEXPIRE', root .. 'opening', 15000)
for _, row in ipairs(cjson.decode(ARGV[6])) do
  if ARGV[2] == 'parts' then
    call('HSET', key_of('part', ARGV[4], ARGV[5], row[1]), row[2], row[3])
  else
    local members = root .. 'members:' .. ARGV[3] .. ':' .. row[1]
    call('HSET', root .. 'counts:' .. ARGV[3], row[1], row[2])
    call('DEL', members)
    for index = 3, #row do call('SADD', members, row[index]) end
  end
end
return { 'staged' }
