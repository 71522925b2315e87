-- Decides an addition to a reservation and, if it fits, adds it.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan (shared/plan.lua)       ARGV[2]  what was worked out beside
-- ARGV[3]  the id of the reservation        ARGV[4]  now, in milliseconds
-- Answers  as reserve.lua

local id, now = ARGV[3], tonumber(ARGV[4])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
local hold = load_hold(id)
-- Whoever grows an open reservation is its owner, and alive.
if hold and hold.state == 'open' and hold.instance then beat(hold.instance, now) end
local lacking = prepare(true, false)
if lacking then return lacking end
local readings = read_all(now)
local verdict = judge_all(readings, now)
if not verdict then return { 'overflow' } end
local grown = {}
if hold and hold.state == 'open' and verdict == 0 then
  if not fits_aside(hold, plan.items) then return { 'overflow' } end
  for index, item in ipairs(hold.items) do
    grown[index] = { resource = item.resource, amount = item.amount, metered = item.metered }
  end
  for _, asked in ipairs(plan.items) do
    local item
    for _, other in ipairs(grown) do
      if other.resource == asked.resource then
        item = other
        break
      end
    end
    if item then
      item.amount = amount.plus(item.amount, asked.amount)
      if not item.amount then return { 'overflow' } end
    else
      table.insert(grown,
        { resource = asked.resource, amount = asked.amount, metered = asked.metered and '1' or '' })
    end
  end
end
retire(plan.subject, now)
if not hold or call('HGET', root .. 'hold:' .. id, 'state') ~= 'open' then return { 'lapsed' } end
if verdict > 0 then return answer_with('denied', readings) end
for _, asked in ipairs(plan.items) do set_aside(hold, asked.resource, asked.amount) end
call('HSET', root .. 'hold:' .. id, 'items', write_items(grown))
return answer_with('granted', readings)
