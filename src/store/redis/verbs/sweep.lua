-- Takes away some of the keys of roots that are no longer in use.
--
-- KEYS: the prefix. ARGV: where to go on, from 0; a root of an import that was given up, or nothing
-- for all that are older than the present one.
-- Returns where to go on; 0 at the end.

local STAYS = { layout = true, generation = true, generations = true, swept = true }
local present = call('GET', KEYS[1] .. 'generation') or ''
local number = tonumber(string.match(present, '%d+') or '0')
local found = call('SCAN', ARGV[1], 'MATCH', KEYS[1] .. ARGV[2] .. '*', 'COUNT', 500)
for _, key in ipairs(found[2]) do
  local name = string.sub(key, #KEYS[1] + 1)
  local its = tonumber(string.match(name, '^g(%d+):') or '0')
  local is_old = its < number and not STAYS[name]
  if ARGV[2] ~= '' and present ~= ARGV[2] or is_old then call('UNLINK', key) end
end
if found[1] == '0' and ARGV[2] == '' then call('SET', KEYS[1] .. 'swept', present) end
return found[1]
