-- Says that an instance is gone for good; its open reservations end.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the instance                     ARGV[2]  now, in milliseconds
-- Answers  'left'

end_all_of(ARGV[1], 'released', tonumber(ARGV[2]))
forget_signs(ARGV[1])
call('HDEL', root .. 'tokens', ARGV[1])
return { 'left' }
