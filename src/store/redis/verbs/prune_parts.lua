-- Takes out parts of time that no opened window reaches: first they are no longer kept, then they
-- are taken away, so many at once.
--
-- KEYS: the prefix. ARGV: the first moment of which parts are kept at the latest, in milliseconds,
-- or nothing to go on only; as JSON, by PER:RESOURCE, the first moment of which they are needed.
-- Returns 1 if there are more to be taken away, or 0.

local LEFT, SOME = root .. 'parts-left', 500
local SIZES = { d = DAY, h = HOUR, m = MINUTE }
if ARGV[1] ~= '' then
  local latest, needed = tonumber(ARGV[1]), cjson.decode(ARGV[2])
  local kept, raised = call('HGETALL', root .. 'parts'), false
  for index = 1, #kept, 2 do
    local whose = kept[index]
    local first = math.min(latest, needed[whose] or latest)
    if tonumber(kept[index + 1]) < first then
      call('HSET', root .. 'parts', whose, whole(first))
      call('HSET', LEFT, whose, '-')
      raised = true
    end
  end
  -- Who opens a bucket just now counts on the parts there were.
  if raised then call('INCR', root .. 'epoch') end
end

local budget = 2000
for _, whose in ipairs(call('HKEYS', LEFT)) do
  local from = tonumber(call('HGET', root .. 'parts', whose) or '')
  local state = from and call('HGET', LEFT, whose)
  if not from then call('HDEL', LEFT, whose) end
  while state and budget > 0 do
    -- Where to go on: in an account, `=CURSOR ACCOUNT`, or the bound of the next ones.
    local cursor, account = string.match(state, '^=(%d+) (.*)$')
    if not cursor then
      local next = call('ZRANGEBYLEX', root .. 'accounts:' .. whose, state, '+', 'LIMIT', 0, 1)
      cursor, account = '0', next[1]
    end
    if not account then
      call('HDEL', LEFT, whose)
      break
    end
    local key = root .. 'part:' .. whose .. ':' .. account
    local some = call('HSCAN', key, cursor, 'COUNT', SOME)
    for index = 1, #some[2], 2 do
      local letter, number = string.match(some[2][index], '^(%a)(%-?%d+)$')
      if tonumber(number) * SIZES[letter] < from then call('HDEL', key, some[2][index]) end
    end
    budget = budget - #some[2] / 2 - 5
    state = some[1] == '0' and '(' .. account or '=' .. some[1] .. ' ' .. account
    call('HSET', LEFT, whose, state)
  end
end
return call('EXISTS', LEFT)
