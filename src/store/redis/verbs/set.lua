-- Brings the count of one window to an amount.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan, of one item (shared/plan.lua)
-- ARGV[2]  what was worked out beside
-- ARGV[3]  which of its windows, from 1     ARGV[4]  now, in milliseconds
-- Answers  as record.lua

local basis, now = tonumber(ARGV[3]), tonumber(ARGV[4])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
local item = plan.items[1]
local bound = item.bounds[basis]
if not bound then return conflict('there is no such window to set') end
if item.aggregate == 'unique' then return conflict('members cannot be set') end
local lacking = prepare(true, false) or days_lacking(plan.items, plan.at)
if lacking then return lacking end
local before = read_all(now)
local lines = {}
if item.aggregate == 'sum' then
  local value = item.amount
  item.amount = amount.minus(value, before[1][basis].used)
  if not item.amount or not judge_all(before, now) then return { 'overflow' } end
  if amount.compare(item.amount, 0) ~= 0 then table.insert(lines, charge_of(item, 'set')) end
  item.amount = value
else
  if item.aggregate == 'max' then
    local reset = charge_of(item, 'reset')
    reset.bucket = bound.key
    table.insert(lines, reset)
  end
  table.insert(lines, charge_of(item, 'use'))
end
retire(plan.subject, now)
tidy(now)
for _, line in ipairs(lines) do happened(line, now, extras.begun) end
if #lines > 0 then watch(before, used_of_all(true), now) end
return answer_with('recorded', read_all(now, nil, #lines > 0))
