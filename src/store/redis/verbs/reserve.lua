-- Decides a plan and, if it fits, sets the room aside.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan (shared/plan.lua)       ARGV[2]  what was worked out beside
-- ARGV[3]  the id of the reservation
-- ARGV[4]  'until' or 'instance'            ARGV[5]  the end of its life in milliseconds, or by
--                                                    whose life it lives
-- ARGV[6]  now, in milliseconds
-- Answers  'granted' or 'denied' and the readings before; 'lapsed', 'stale', 'overflow';
--          or 'open', 'fold', 'again': what to work out first

local id, now = ARGV[3], tonumber(ARGV[6])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
if ARGV[4] == 'instance' then beat(ARGV[5], now) end
local known = load_hold(id)
if known and not counts(known, now) then
  retire(plan.subject, now)
  return { 'lapsed' }
end
local lacking = prepare(true, false)
if lacking then return lacking end
-- The same call again: it does not stand in its own way.
local readings = read_all(now, known)
if known then
  retire(plan.subject, now)
  return answer_with('granted', readings)
end
local verdict = judge_all(readings, now)
if not verdict then return { 'overflow' } end
local hold = {
  id = id, subject = plan.subject, group = plan.group or '', at = plan.at, state = 'open', items = {},
}
for index, item in ipairs(plan.items) do
  hold.items[index] = {
    resource = item.resource, amount = item.amount, metered = item.metered and '1' or '',
  }
end
if ARGV[4] == 'instance' then hold.instance = ARGV[5] else hold['until'] = tonumber(ARGV[5]) end
if verdict == 0 and not fits_aside(hold, hold.items) then return { 'overflow' } end
retire(plan.subject, now)
tidy(now)
if verdict > 0 then return answer_with('denied', readings) end
begin_hold(hold)
return answer_with('granted', readings)
