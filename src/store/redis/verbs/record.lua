-- Records what a plan asks as a fact, whatever the limits.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan (shared/plan.lua)       ARGV[2]  what was worked out beside
-- ARGV[3]  the caller's name for the call, or nothing
-- ARGV[4]  what was asked under it: a fingerprint
-- ARGV[5]  now, in milliseconds
-- Answers  'recorded', or 'replayed' if it had been before, and the readings after; 'stale',
--          'overflow', 'conflict' and why; or 'open', 'days', 'fold', 'again': what to work out
--          first

local key, fingerprint, now = ARGV[3], ARGV[4], tonumber(ARGV[5])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
local replayed = false
if key ~= '' then
  local asked = call('HGET', root .. 'calls:' .. plan.subject, key)
  if asked then
    if string.match(asked, '^%d+ (.*)$') ~= fingerprint then
      return conflict('the key was used before for something else')
    end
    replayed = true
  end
end
local lacking = prepare(true, false) or days_lacking(plan.items, plan.at)
if lacking then return lacking end
local before = read_all(now)
if replayed then
  retire(plan.subject, now)
  return answer_with('replayed', before)
end
if not judge_all(before, now) then return { 'overflow' } end
retire(plan.subject, now)
tidy(now)
for _, item in ipairs(plan.items) do
  local charge = charge_of(item, 'use')
  -- The first line keeps the key.
  charge.key, charge.fingerprint, key = key, key ~= '' and fingerprint or '', ''
  happened(charge, now, extras.begun)
end
local after = used_of_all(true)
watch(before, after, now)
-- What was passed just now is known only now.
return answer_with('recorded', read_all(now, nil, true))
