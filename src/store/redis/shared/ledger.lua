-- The ledger: lines, the indexes by which they are found, and what they change: counts and parts.
--
-- An event is { subject, group, resource, kind, amount, member, at, hold, bucket, key,
-- fingerprint }: what is missing is '', the amount as amount.lua has it, `at` in milliseconds.

local DAY, HOUR, MINUTE = 86400000, 3600000, 60000
local PARTS = { { 'd', DAY }, { 'h', HOUR }, { 'm', MINUTE } }

-- Returns whose counts `event` changes: a reset is about the subject's own alone.
local function accounts_of(event)
  local accounts = { { 'subject', event.subject } }
  if event.kind ~= 'reset' then
    if event.group ~= '' then table.insert(accounts, { 'group', event.group }) end
    table.insert(accounts, { 'server', '' })
  end
  return accounts
end

-- Adds to what a part of time comes to; past 64 bits it stays at the end of the range.
local function add_to_part(key, field, value)
  local known = amount.read(call('HGET', key, field) or '0')
  local sum = amount.saturating(known, value)
  if amount.compare(sum, 0) == 0 then
    call('HDEL', key, field)
  else
    call('HSET', key, field, amount.text(sum))
  end
end

-- Adds a charge to the parts that are kept of an account.
local function add_to_parts(per, account, event)
  if not CHARGES[event.kind] or amount.compare(event.amount, 0) == 0 then return end
  local from = call('HGET', root .. 'parts', per .. ':' .. event.resource)
  if not from or event.at < tonumber(from) then return end
  local key = key_of('part', per, event.resource, account)
  for _, part in ipairs(PARTS) do
    add_to_part(key, part[1] .. whole(math.floor(event.at / part[2])), event.amount)
  end
end

-- Puts a line into the indexes. `id` has 20 digits.
local function index_line(id, event, recorded)
  call('ZADD', root .. 'ledger', 0, id)
  call('ZADD', root .. 'lines:' .. event.subject, 0, id)
  call('ZADD', root .. 'subjects', 0, event.subject)
  call('SADD', root .. 'resources', event.resource)
  local at = whole(event.at)
  local entry = id .. ' ' .. event.kind .. ' ' .. amount.text(event.amount)
  for _, account in ipairs(accounts_of(event)) do
    call('ZADD', key_of('moments', account[1], event.resource, account[2]), at, entry)
    call('ZADD', root .. 'accounts:' .. account[1] .. ':' .. event.resource, 0, account[2])
  end
  if event.kind == 'reset' then
    call('ZADD', key_of('moments', 'server', event.resource, ''), at, entry)
    call('ZADD', root .. 'resets:' .. event.resource .. ':' .. event.subject, at,
      id .. ' ' .. whole(recorded) .. ' ' .. event.bucket)
  end
  if event.key ~= '' then
    call('HSET', root .. 'calls:' .. event.subject, event.key, id .. ' ' .. event.fingerprint)
  end
end

-- Writes a line down. Returns its id, in 20 digits.
local function write_line(event, now)
  local id = padded(next_id('last-line'))
  call('HSET', root .. 'line', id, cjson.encode({
    event.subject, event.group, event.resource, event.kind, amount.text(event.amount),
    event.member, whole(event.at), event.hold, event.bucket, whole(now), event.key,
    event.fingerprint,
  }))
  index_line(id, event, now)
  return id
end

-- Writes a line down and counts it in every opened bucket it falls in. `folds` holds, by the field
-- of a bucket among the places, what a count comes to that cannot be told from itself.
local function happened(event, now, begun, folds)
  write_line(event, now)
  if event.kind == 'lapse' then return end
  for _, account in ipairs(accounts_of(event)) do
    local per, name = account[1], account[2]
    add_to_parts(per, name, event)
    for _, place in ipairs(places_after(per, event.resource, event.at)) do
      if place.is_counted then
        local folded = folds and folds[per .. ':' .. event.resource .. ':' .. place.key]
        count_line(place, name, event, begun, folded)
      end
    end
  end
end

-- Returns the keys of the buckets by first use of which the day of `at` is not known: charging at
-- `at` cannot be counted in them.
local function lacking_days(resource, at, begun, lacking)
  lacking = lacking or {}
  for _, per in ipairs({ 'subject', 'group', 'server' }) do
    for _, place in ipairs(places_after(per, resource, at)) do
      if place.shape == 'first' and place.is_counted and not begun_at(begun, place.key, at) then
        table.insert(lacking, place.key)
      end
    end
  end
  return lacking
end

-- Returns what the charges of an account in [start, finish) add up to, of those behind the line
-- `behind` only, if that is given.
local function lines_sum(moments, start, finish, behind)
  local sum = 0
  if start >= finish then return sum end
  local found = call('ZRANGEBYSCORE', moments, whole(start), '(' .. whole(finish))
  for _, entry in ipairs(found) do
    local id, kind, value = string.match(entry, '^(%d+) (%a+) (%S+)$')
    if CHARGES[kind] and (not behind or id > behind) then
      sum = amount.saturating(sum, amount.read(value))
    end
  end
  return sum
end
