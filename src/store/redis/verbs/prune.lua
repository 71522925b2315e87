-- Takes lines out of the ledger, and writes down what accounts had used before the first that is
-- left.
--
-- KEYS: the prefix. ARGV: the epoch, the version of the policy and the last id of a bucket under
-- which it was decided that nobody needs them; as JSON, the ids of the lines; as JSON, balances:
-- per, resource, account and `USED NEWEST` each; as JSON, the charges that were not taken back: a
-- resource, a subject, a moment and a reservation each.
-- Returns 1; nothing, and takes nothing, if anything that decides it has changed.

local epoch, version, last_place = ARGV[1], ARGV[2], ARGV[3]
local is_other = (call('GET', root .. 'epoch') or '0') ~= epoch or is_stale(version)
  or (call('GET', root .. 'last-place') or '0') ~= last_place
if is_other then return false end
for _, charge in ipairs(cjson.decode(ARGV[6])) do
  if is_taken_back(unpack(charge)) then return false end
end

for _, balance in ipairs(cjson.decode(ARGV[5])) do
  call('HSET', root .. 'balances:' .. balance[1] .. ':' .. balance[2], balance[3], balance[4])
end

-- Takes a name out of an index if it has no lines and no balance any more.
local function forget_account(per, resource, account)
  if call('EXISTS', key_of('moments', per, resource, account)) == 1 then return end
  if call('HEXISTS', root .. 'balances:' .. per .. ':' .. resource, account) == 1 then return end
  call('ZREM', root .. 'accounts:' .. per .. ':' .. resource, account)
end

for _, id in ipairs(cjson.decode(ARGV[4])) do
  local line = cjson.decode(call('HGET', root .. 'line', id))
  local subject, group, resource, kind, at = line[1], line[2], line[3], line[4], line[7]
  local entry = id .. ' ' .. kind .. ' ' .. line[5]
  call('HDEL', root .. 'line', id)
  call('ZREM', root .. 'ledger', id)
  call('ZREM', root .. 'lines:' .. subject, id)
  call('ZREM', key_of('moments', 'subject', resource, subject), entry)
  call('ZREM', key_of('moments', 'server', resource, ''), entry)
  forget_account('subject', resource, subject)
  forget_account('server', resource, '')
  if group ~= '' and kind ~= 'reset' then
    call('ZREM', key_of('moments', 'group', resource, group), entry)
    forget_account('group', resource, group)
  end
  if kind == 'reset' then
    local reset = id .. ' ' .. line[10] .. ' ' .. line[9]
    call('ZREM', root .. 'resets:' .. resource .. ':' .. subject, reset)
  end
  if line[11] ~= '' then call('HDEL', root .. 'calls:' .. subject, line[11]) end
  local latest = tonumber(call('HGET', root .. 'pruned', resource) or '')
  if not latest or latest < tonumber(at) then call('HSET', root .. 'pruned', resource, at) end
end
call('INCR', root .. 'epoch')
return 1
