-- Decides a plan and, if it fits, charges it at once.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan (shared/plan.lua)       ARGV[2]  what was worked out beside
-- ARGV[3]  the id of the reservation        ARGV[4]  now, in milliseconds
-- Answers  as reserve.lua; 'conflict' and why; 'days', a moment and the keys of buckets by first
--          use of which the day of that moment is to be told first

local id, now = ARGV[3], tonumber(ARGV[4])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
local known = load_hold(id)
if known then
  if counts(known, now) then return conflict('the reservation is open: settle it') end
  if known.state ~= 'settled' then
    retire(plan.subject, now)
    return { 'lapsed' }
  end
end
-- The same call again: its own lines do not stand in its way.
local lacking = prepare(true, known ~= nil) or days_lacking(plan.items, plan.at)
if lacking then return lacking end
local readings = read_all(now)
if known then
  retire(plan.subject, now)
  return answer_with('granted', readings)
end
local verdict = judge_all(readings, now)
if not verdict then return { 'overflow' } end
retire(plan.subject, now)
tidy(now)
if verdict > 0 then return answer_with('denied', readings) end
local hold = {
  id = id, subject = plan.subject, group = plan.group or '', at = plan.at, state = 'settled',
  ['until'] = now, items = {},
}
local total = 0
for index, item in ipairs(plan.items) do
  hold.items[index] = {
    resource = item.resource, amount = item.amount, metered = item.metered and '1' or '',
  }
end
for _, item in ipairs(plan.items) do
  if item.metered then
    total = item.amount
    break
  end
end
write_hold(hold)
call('HSET', root .. 'hold:' .. id, 'total', amount.text(total), 'late', '0')
call('ZADD', root .. 'ended', whole(now), id)
for _, item in ipairs(plan.items) do
  local charge = charge_of(item, 'settle')
  charge.hold = id
  happened(charge, now, extras.begun)
end
watch(readings, used_of_all(true), now)
return answer_with('granted', readings)
