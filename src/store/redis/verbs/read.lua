-- Reads what the windows of a plan hold; writes nothing.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the plan (shared/plan.lua)       ARGV[2]  what was worked out beside
-- ARGV[3]  now, in milliseconds
-- Answers  'read' and the readings; 'stale'; or 'fold', 'again': what to work out first

local now = tonumber(ARGV[3])
if is_stale(plan.version) then return { 'stale' } end
if is_outdated() then return { 'again' } end
local lacking = prepare(false, false)
if lacking then return lacking end
return answer_with('read', read_all(now))
