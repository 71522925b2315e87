-- Makes an open reservation live until a moment.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the id of the reservation
-- ARGV[2]  the end of its life, ARGV[3] now, both in milliseconds
-- Answers  'extended' or 'lapsed'

local hold, now = load_hold(ARGV[1]), tonumber(ARGV[3])
if not hold then return { 'lapsed' } end
retire(hold.subject, now)
hold = load_hold(ARGV[1])
if hold.state ~= 'open' then return { 'lapsed' } end
-- It may have lived by an instance, which is known by other keys.
end_hold(hold, 'open', now)
call('ZREM', root .. 'ended', hold.id)
call('HDEL', root .. 'hold:' .. hold.id, 'instance')
hold.instance, hold['until'] = nil, tonumber(ARGV[2])
begin_hold(hold)
return { 'extended' }
