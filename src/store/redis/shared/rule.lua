-- The one rule, as quota/rule has it: used + held + asked <= limit.
--
-- Verdicts: 0 fits, 1 waits (for the reservations of others), 2 exceeds. nil: a sum does not fit in
-- 64 bits.

-- Returns by how much the count would rise.
local function rise(item, reading)
  if item.aggregate == 'sum' then return item.amount end
  if item.aggregate == 'max' then
    local more = amount.minus(item.amount, reading.used)
    return more and amount.at_least_zero(more)
  end
  if item.aggregate == 'last' then return amount.minus(item.amount, reading.used) end
  if reading.known then return 0 end
  return amount.least(item.amount, 1)
end

local function held_of(item, reading)
  if item.aggregate == 'sum' or item.aggregate == 'unique' then return reading.held end
  return 0
end

-- Decides what is asked against `limit`.
local function against(item, bound, reading, limit)
  local asked = rise(item, reading)
  if not asked then return nil end
  if amount.compare(asked, 0) < 0 or (bound.trailing and plan.growing) then return 0 end
  if bound.trailing then asked = amount.least(asked, 1) end
  local alone = amount.plus(reading.used, asked)
  local together = alone and amount.plus(alone, held_of(item, reading))
  if not together then return nil end
  if amount.compare(together, limit) <= 0 then return 0 end
  if amount.compare(alone, limit) <= 0 then return 1 end
  return 2
end

local LATEST = 253402207200000 -- the latest moment there is

local function grace_is_over(bound, reading, now)
  return bound.grace and reading.over and math.min(reading.over + bound.grace, LATEST) <= now
end

local function judge(item, bound, reading, now)
  if not bound.limit then return 0 end
  local strict = against(item, bound, reading, bound.limit)
  if not strict or bound.mode == 'hard' then return strict end
  if bound.mode == 'observe' then return 0 end
  if strict == 0 or grace_is_over(bound, reading, now) then return strict end
  if bound.ceiling then return against(item, bound, reading, bound.ceiling) end
  return 0
end

-- Decides all windows of the plan at once: as bad as the worst of them.
local function judge_all(readings, now)
  local worst = 0
  for i, item in ipairs(plan.items) do
    for j, bound in ipairs(item.bounds) do
      if bound.account then
        local reading = readings[i][j]
        local asked = rise(item, reading)
        local taken = amount.plus(reading.used, held_of(item, reading))
        if not asked or not taken or not amount.plus(taken, asked) then return nil end
        local verdict = judge(item, bound, reading, now)
        if not verdict then return nil end
        worst = math.max(worst, verdict)
      end
    end
  end
  return worst
end
