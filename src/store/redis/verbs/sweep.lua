-- Takes away some of the keys of roots that are no longer in use.
--
-- KEYS: the prefix. ARGV: where to go on, from 0; a root of an import that was given up, or nothing
-- for all but the present one and those of imports that go on.
-- Returns where to go on; 0 at the end.

local STAYS = {
  layout = true, generation = true, generations = true, importing = true, swept = true,
}
local present = call('GET', KEYS[1] .. 'generation') or ''
local importing = KEYS[1] .. 'importing'
call('ZREMRANGEBYSCORE', importing, '-inf', whole(server_time()))
if ARGV[2] ~= '' then call('ZREM', importing, ARGV[2]) end

local function is_in_use(its)
  return its == present or (its ~= '' and call('ZSCORE', importing, its))
end

local found = call('SCAN', ARGV[1], 'MATCH', KEYS[1] .. ARGV[2] .. '*', 'COUNT', 500)
for _, key in ipairs(found[2]) do
  local name = string.sub(key, #KEYS[1] + 1)
  local its = string.match(name, '^g%d+:') or ''
  if not STAYS[name] and not is_in_use(its) then call('UNLINK', key) end
end
-- As long as an import goes on, it may leave something.
local is_all = found[1] == '0' and ARGV[2] == '' and call('EXISTS', importing) == 0
if is_all then call('SET', KEYS[1] .. 'swept', present) end
return found[1]
