-- Takes a settled reservation back.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan whose windows are looked at, or nothing (shared/plan.lua)
-- ARGV[2]  what was worked out beside
-- ARGV[3]  the id of the reservation        ARGV[4]  now, in milliseconds
-- Answers  'refunded', 'none' if it is not known, 'overflow', 'conflict' and why; 'days', 'fold',
--          'again': what to work out first; or 'refold' with, three by three, the index of an item
--          from 1, the account and the opened bucket (places.rs) whose count it leaves is to be
--          told first, behind the fields `PER:RESOURCE:KEY` of the buckets

local id, now = ARGV[3], tonumber(ARGV[4])
if is_outdated() then return { 'again' } end
local hold = load_hold(id)
if not hold then return { 'none' } end
if hold.state == 'refunded' then return { 'refunded' } end
if hold.state ~= 'settled' then return conflict('the reservation was not settled') end
local amounts = {}
for index, item in ipairs(hold.items) do
  amounts[index] = amount.minus(0, item.amount)
  if not amounts[index] then return { 'overflow' } end
end
local lacking = plan and prepare(false, false) or days_lacking(hold.items, hold.at)
if lacking then return lacking end
local refolds, refunds = { 'refold' }, extras.refunds or {}
for index, item in ipairs(hold.items) do
  for _, account in ipairs(accounts_of(line_of(hold, item, 'refund', 0))) do
    local per, name = account[1], account[2]
    for _, place in ipairs(places_after(per, item.resource, hold.at)) do
      local may_count = place.shape == 'first' or place.start <= hold.at
      local field = per .. ':' .. item.resource .. ':' .. place.key
      if place.is_counted and place.aggregate ~= 'sum' and may_count and not refunds[field] then
        table.insert(refolds, whole(index))
        table.insert(refolds, name)
        table.insert(refolds, field)
      end
    end
  end
end
if #refolds > 1 then return refolds end
local before = plan and used_of_all(false)
end_hold(hold, 'refunded', now)
for index, item in ipairs(hold.items) do
  happened(line_of(hold, item, 'refund', amounts[index]), now, extras.begun, refunds)
end
if plan then watch(before, used_of_all(true), now) end
return { 'refunded' }
