-- Makes an instance known as alive; ends the reservations of those proven dead.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the instance
-- ARGV[2]  the token of its connection, or nothing if it has joined before
-- ARGV[3]  the token of the former process of that name, or nothing, or its own if it was not
--          answered before; ARGV[4] 'gone' if the connection of the former is
-- ARGV[5]  now, in milliseconds
-- Answers  'joined' and how many reservations ended; 'conflict' and why; 'again' if another joined
--          under that name just now

local instance, token, former, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[5])
local ended = 0
if token ~= '' then
  if (call('HGET', root .. 'tokens', instance) or '') ~= former then return { 'again' } end
  if former ~= '' and former ~= token then
    if ARGV[4] ~= 'gone' and lives(instance, now) then
      return conflict('instance "' .. instance
        .. '" is already running on these books: give each its own name')
    end
    ended = end_all_of(instance, 'lapsed', now)
  end
  call('HSET', root .. 'tokens', instance, token)
end
beat(instance, now)
for _, other in ipairs(call('HKEYS', root .. 'instances')) do
  if other ~= instance and not lives(other, now) then
    ended = ended + end_all_of(other, 'lapsed', now)
    -- Its token stays: it may go on, and whoever comes back under its name has to know of it.
    forget_signs(other)
  end
end
return { 'joined', whole(ended) }
