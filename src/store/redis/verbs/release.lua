-- Gives an open reservation back.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the id of the reservation        ARGV[2]  now, in milliseconds
-- Answers  'released', 'none' if it is not known, or 'conflict' and why

local hold, now = load_hold(ARGV[1]), tonumber(ARGV[2])
if not hold then return { 'none' } end
if hold.state == 'settled' or hold.state == 'refunded' then
  return conflict('the reservation was settled')
end
retire(hold.subject, now)
hold = load_hold(ARGV[1])
if hold.state == 'open' then end_hold(hold, 'released', now) end
-- Before, it could forget this one, if it ended long ago.
tidy(now)
return { 'released' }
