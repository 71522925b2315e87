-- Brings the subject's own counts to zero.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan (shared/plan.lua)       ARGV[2]  what was worked out beside
-- ARGV[3]  the key of the one bucket it is about, or nothing
-- ARGV[4]  now, in milliseconds
-- Answers  'reset' or 'stale'; or 'open', 'fold', 'again': what to work out first

local now = tonumber(ARGV[4])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
local lacking = prepare(true, false)
if lacking then return lacking end
local before = used_of_all(false)
for _, item in ipairs(plan.items) do
  local line = charge_of(item, 'reset')
  line.bucket = ARGV[3]
  happened(line, now, extras.begun)
end
watch(before, used_of_all(true), now)
return { 'reset' }
