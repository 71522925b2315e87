-- Reservations: which are open, who lives, how much is set aside.
--
-- A hold is what its hash says, with `items` read: { resource, amount, metered } each.

local LEASE = 10000 -- how long who gives no sign of life is believed to live, in milliseconds
local KEPT = 35 * DAY -- how long one that has ended is remembered
local TIDIED = 16 -- how many of others that are over are ended by a call that comes by

local signs = {} -- the latest sign of life of each instance that was asked about

-- Returns true if the instance is believed to live at `now`.
local function lives(instance, now)
  if signs[instance] == nil then
    signs[instance] = tonumber(call('HGET', root .. 'instances', instance) or '') or false
  end
  return signs[instance] and now < signs[instance] + LEASE
end

-- Renews the sign of life of an instance.
local function beat(instance, now)
  signs[instance] = now
  call('HSET', root .. 'instances', instance, whole(now))
end

local function read_items(text)
  local items = cjson.decode(text)
  for index, item in ipairs(items) do
    items[index] = { resource = item[1], amount = amount.read(item[2]), metered = item[3] }
  end
  return items
end

local function write_items(items)
  if #items == 0 then return '[]' end
  local texts = {}
  for index, item in ipairs(items) do
    texts[index] = { item.resource, amount.text(item.amount), item.metered }
  end
  return cjson.encode(texts)
end

-- Returns the reservation with that id; nil if it is not known.
local function load_hold(id)
  local fields = call('HGETALL', root .. 'hold:' .. id)
  if #fields == 0 then return nil end
  local hold = { id = id, group = '' }
  for index = 1, #fields, 2 do hold[fields[index]] = fields[index + 1] end
  hold.at, hold['until'] = tonumber(hold.at), tonumber(hold['until'])
  hold.items = read_items(hold.items)
  return hold
end

-- Returns true if it is open and its life has not ended.
local function counts(hold, now)
  if hold.state ~= 'open' then return false end
  if hold.instance then return lives(hold.instance, now) end
  return now < hold['until']
end

-- Returns whose room a reservation takes.
local function sharers(hold)
  local all = { { 'subject', hold.subject }, { 'server', '' } }
  if hold.group ~= '' then table.insert(all, { 'group', hold.group }) end
  return all
end

local function held_field(hold)
  return whole(math.floor(hold.at / MINUTE)) .. ':' .. (hold.instance or '')
end

-- Adds `value` to what is set aside of a resource by reservations like `hold`.
local function set_aside(hold, resource, value)
  if amount.compare(value, 0) == 0 then return end
  local field = held_field(hold)
  for _, sharer in ipairs(sharers(hold)) do
    local key = key_of('held', sharer[1], resource, sharer[2])
    local sum = amount.wide_plus(amount.read_wide(call('HGET', key, field) or '0'), value)
    if sum == 0 then
      call('HDEL', key, field)
    else
      call('HSET', key, field, amount.text(sum))
    end
  end
end

-- Writes a reservation down.
local function write_hold(hold)
  local fields = {
    'subject', hold.subject, 'group', hold.group, 'at', whole(hold.at), 'state', hold.state,
    'items', write_items(hold.items),
  }
  if hold.instance then
    table.insert(fields, 'instance')
    table.insert(fields, hold.instance)
  else
    table.insert(fields, 'until')
    table.insert(fields, whole(hold['until']))
  end
  call('HSET', root .. 'hold:' .. hold.id, unpack(fields))
  call('SADD', root .. 'holds:' .. hold.subject, hold.id)
end

-- Makes a reservation known as open.
local function begin_hold(hold)
  write_hold(hold)
  for _, sharer in ipairs(sharers(hold)) do
    local whose = sharer[1] .. ':' .. sharer[2]
    call('ZADD', root .. 'open:' .. whose, whole(hold.at), hold.id)
    if not hold.instance then
      call('ZADD', root .. 'until:' .. whose, whole(hold['until']), hold.id)
    end
  end
  if hold.instance then
    call('SADD', root .. 'owned:' .. hold.instance, hold.id)
    call('HINCRBY', root .. 'owners:' .. hold.subject, hold.instance, 1)
  end
  for _, item in ipairs(hold.items) do set_aside(hold, item.resource, item.amount) end
end

-- Brings a reservation into a state in which it is no longer open.
local function end_hold(hold, state, now)
  if hold.state == 'open' then
    for _, sharer in ipairs(sharers(hold)) do
      local whose = sharer[1] .. ':' .. sharer[2]
      call('ZREM', root .. 'open:' .. whose, hold.id)
      call('ZREM', root .. 'until:' .. whose, hold.id)
    end
    if hold.instance then
      call('SREM', root .. 'owned:' .. hold.instance, hold.id)
      local owners = root .. 'owners:' .. hold.subject
      if call('HINCRBY', owners, hold.instance, -1) <= 0 then
        call('HDEL', owners, hold.instance)
      end
    end
    for _, item in ipairs(hold.items) do
      set_aside(hold, item.resource, amount.wide_minus(0, item.amount))
    end
  end
  hold.state = state
  call('HSET', root .. 'hold:' .. hold.id, 'state', state)
  call('ZADD', root .. 'ended', whole(now), hold.id)
end

-- Returns the line about what became of an item of a reservation.
local function line_of(hold, item, kind, value)
  return {
    subject = hold.subject, group = hold.group, resource = item.resource, kind = kind,
    amount = value, member = '', at = hold.at, hold = hold.id, bucket = '', key = '',
    fingerprint = '',
  }
end

-- Ends a reservation whose life has ended: that is a line.
local function lapse(hold, now)
  end_hold(hold, 'lapsed', now)
  for _, item in ipairs(hold.items) do happened(line_of(hold, item, 'lapse', 0), now) end
end

local function lapse_all(ids, now)
  table.sort(ids)
  for _, id in ipairs(ids) do
    local hold = load_hold(id)
    if hold and hold.state == 'open' and not counts(hold, now) then lapse(hold, now) end
  end
end

-- Ends the reservations of a subject whose life has ended.
local function retire(subject, now)
  local due = call('ZRANGEBYSCORE', root .. 'until:subject:' .. subject, '-inf', whole(now))
  local gone = false
  for _, instance in ipairs(call('HKEYS', root .. 'owners:' .. subject)) do
    gone = gone or not lives(instance, now)
  end
  if gone then
    local open = call('ZRANGE', root .. 'open:subject:' .. subject, 0, -1)
    for _, id in ipairs(open) do
      if call('HEXISTS', root .. 'hold:' .. id, 'instance') == 1 then table.insert(due, id) end
    end
  end
  if #due > 0 then lapse_all(due, now) end
end

-- Ends a few reservations of anybody that live no longer, so that no pool has to pass many over;
-- and forgets a few that ended long ago.
local function tidy(now)
  local due = call('ZRANGEBYSCORE', root .. 'until:server:', '-inf', whole(now), 'LIMIT', 0, TIDIED)
  if #due > 0 then lapse_all(due, now) end
  local old = call('ZRANGEBYSCORE', root .. 'ended', '-inf', whole(now - KEPT), 'LIMIT', 0, 2)
  for _, id in ipairs(old) do
    local subject = call('HGET', root .. 'hold:' .. id, 'subject')
    if subject then call('SREM', root .. 'holds:' .. subject, id) end
    call('DEL', root .. 'hold:' .. id)
    call('ZREM', root .. 'ended', id)
  end
end

-- Returns how much of a resource the items of a reservation hold.
local function share_of(hold, resource)
  local sum = 0
  for _, item in ipairs(hold.items) do
    if item.resource == resource then sum = amount.wide_plus(sum, item.amount) end
  end
  return sum
end

-- Returns how much open reservations hold of a resource for an account, of those whose moments are
-- in [from, to); `to` may be nil. One that is `without`, if given, is left out.
--
-- What is held is kept per minute and instance, so this costs no more as reservations grow, but
-- for those that are in a minute at one end and outside, and those that are over and not ended.
local function held_in(per, account, resource, from, to, now, without)
  local held = call('HGETALL', key_of('held', per, resource, account))
  if #held == 0 then return 0 end
  local sum = 0
  for index = 1, #held, 2 do
    local minute, instance = string.match(held[index], '^(%-?%d+):(.*)$')
    local start = tonumber(minute) * MINUTE
    local is_in = start + MINUTE > from and (not to or start < to)
    if is_in and (instance == '' or lives(instance, now)) then
      sum = amount.wide_plus(sum, amount.read_wide(held[index + 1]))
    end
  end
  local open = root .. 'open:' .. per .. ':' .. account
  local beside = {}
  local first = math.floor(from / MINUTE) * MINUTE
  if first < from then
    beside = call('ZRANGEBYSCORE', open, whole(first), '(' .. whole(from))
  end
  if to and to % MINUTE ~= 0 then
    local after = (math.floor(to / MINUTE) + 1) * MINUTE
    local found = call('ZRANGEBYSCORE', open, whole(to), '(' .. whole(after))
    for _, id in ipairs(found) do table.insert(beside, id) end
  end
  for _, id in ipairs(beside) do
    local hold = load_hold(id)
    if not hold.instance or lives(hold.instance, now) then
      sum = amount.wide_minus(sum, share_of(hold, resource))
    end
  end
  local over = call('ZRANGEBYSCORE', root .. 'until:' .. per .. ':' .. account, '-inf', whole(now))
  if without and counts(without, now) then table.insert(over, without.id) end
  for _, id in ipairs(over) do
    local hold = load_hold(id)
    if hold.at >= from and (not to or hold.at < to) then
      sum = amount.wide_minus(sum, share_of(hold, resource))
    end
  end
  return amount.narrow(sum)
end

-- Ends every open reservation that lives by an instance; returns how many there were.
local function end_all_of(instance, state, now)
  local ids = call('SMEMBERS', root .. 'owned:' .. instance)
  table.sort(ids)
  for _, id in ipairs(ids) do
    local hold = load_hold(id)
    if state == 'lapsed' then lapse(hold, now) else end_hold(hold, state, now) end
  end
  return #ids
end

-- Forgets that an instance ever lived.
local function forget_signs(instance)
  signs[instance] = false
  call('HDEL', root .. 'instances', instance)
end
