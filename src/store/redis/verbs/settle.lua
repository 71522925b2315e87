-- Ends a reservation with what was really used.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan whose windows are looked at, or nothing (shared/plan.lua)
-- ARGV[2]  what was worked out beside
-- ARGV[3]  the id of the reservation        ARGV[4]  the amount
-- ARGV[5]  now, in milliseconds
-- Answers  'settled' with 1 if it had lapsed before and 1 if it had been settled before; 'none' if
--          it is not known; 'conflict' and why; or 'days', 'fold', 'again': what to work out first

local id, total, now = ARGV[3], amount.read(ARGV[4]), tonumber(ARGV[5])
if is_outdated() then return { 'again' } end
local hold = load_hold(id)
if not hold then return { 'none' } end
local late = hold.state == 'lapsed' or (hold.state == 'open' and not counts(hold, now))
if hold.state == 'settled' then
  if amount.compare(amount.read(hold.total), total) ~= 0 then
    return conflict('the reservation was settled with another amount')
  end
  retire(hold.subject, now)
  return { 'settled', hold.late, '1' }
elseif hold.state == 'released' then
  return conflict('the reservation was released')
elseif hold.state == 'refunded' then
  return conflict('the reservation was refunded')
end
local lacking = plan and prepare(false, false) or days_lacking(hold.items, hold.at)
if lacking then return lacking end
retire(hold.subject, now)
hold = load_hold(id)
local before = plan and used_of_all(false)
end_hold(hold, 'settled', now)
for _, item in ipairs(hold.items) do
  if item.metered == '1' then item.amount = total end
end
call('HSET', root .. 'hold:' .. id, 'items', write_items(hold.items), 'total', amount.text(total),
  'late', late and '1' or '0')
for _, item in ipairs(hold.items) do
  happened(line_of(hold, item, 'settle', item.amount), now, extras.begun)
end
if plan then watch(before, used_of_all(true), now) end
-- Before, it could forget this one, if it lapsed long ago.
tidy(now)
return { 'settled', late and '1' or '0', '0' }
