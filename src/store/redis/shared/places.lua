-- Places: the opened buckets, as place.rs writes them, and the counts that are kept of them.

-- Reads `ID:SHAPE:AGGREGATE:AT:START:END:KEY`.
local function read_place(text)
  local id, shape, aggregate, _, start, finish, key =
    string.match(text, '^(%d+):(%a+):(%a+):(%-?%d+):(%-?%d+):([%-%d]+):(.*)$')
  return {
    id = id,
    shape = shape,
    aggregate = aggregate,
    start = tonumber(start),
    finish = tonumber(finish), -- nil of '-'
    key = key,
    -- A count is kept: that of a rolling window shrinks by itself, and members that count anew
    -- have to be looked up in the ledger.
    is_counted = shape == 'stretch' or (shape == 'first' and aggregate ~= 'unique'),
    is_in_parts = shape == 'rolling' and aggregate == 'sum',
  }
end

-- Returns the opened buckets of a resource that end after `at`.
local function places_after(per, resource, at)
  local found = call('ZRANGEBYSCORE', root .. 'places:' .. per .. ':' .. resource,
    '(' .. whole(at), '+inf')
  for index, text in ipairs(found) do found[index] = read_place(text) end
  return found
end

-- Returns the opened bucket with that key; nil if there is none.
local function place_of(per, resource, key)
  local text = call('HGET', root .. 'places', per .. ':' .. resource .. ':' .. key)
  return text and read_place(text) or nil
end

-- Writes an opened bucket down; `text` is without its id. Returns its id.
local function add_place(per, resource, key, finish, text)
  local id = next_id('last-place')
  text = id .. ':' .. text
  call('HSET', root .. 'places', per .. ':' .. resource .. ':' .. key, text)
  call('ZADD', root .. 'places:' .. per .. ':' .. resource, finish or '+inf', text)
  return id
end

-- Forgets the counts and the members of an opened bucket.
local function forget_counts(id)
  local accounts = call('HKEYS', root .. 'counts:' .. id)
  for _, account in ipairs(accounts) do call('UNLINK', root .. 'members:' .. id .. ':' .. account) end
  call('UNLINK', root .. 'counts:' .. id)
end

-- Closes an opened bucket, so that it is folded anew when it is asked for.
local function close_place(per, resource, key)
  local field = per .. ':' .. resource .. ':' .. key
  local text = call('HGET', root .. 'places', field)
  if not text then return end
  call('HDEL', root .. 'places', field)
  call('ZREM', root .. 'places:' .. per .. ':' .. resource, text)
  forget_counts(read_place(text).id)
end

local function maybe_number(text)
  if text == '-' then return nil end
  return tonumber(text)
end

local function maybe_text(number)
  return number and whole(number) or '-'
end

-- Reads `USED NEWEST SINCE END`.
local function read_count(text)
  local used, newest, since, finish = string.match(text, '^(%S+) (%S+) (%S+) (%S+)$')
  return {
    used = amount.read(used),
    newest = maybe_number(newest),
    since = maybe_number(since),
    finish = maybe_number(finish),
  }
end

local function write_count(count)
  return amount.text(count.used) .. ' ' .. maybe_text(count.newest) .. ' '
    .. maybe_text(count.since) .. ' ' .. maybe_text(count.finish)
end

-- Returns the count of an account in an opened bucket.
local function count_of(id, account)
  local text = call('HGET', root .. 'counts:' .. id, account)
  if text then return read_count(text) end
  return { used = 0 }
end

-- Returns the stretch [start, finish) of a bucket by first use that a charge at `at` would begin.
-- `begun` holds, by key, the days that are known: { first moment, next day, end of the stretch }.
local function begun_at(begun, key, at)
  for _, day in ipairs(begun and begun[key] or {}) do
    if day[1] <= at and at < day[2] then return day[1], day[3] end
  end
  return nil
end

local CHARGES = { use = true, set = true, settle = true, refund = true }

-- Returns true if `event` counts in the bucket; one that opens by its first use is opened.
-- The second is true if that cannot be told, as the day is not among those that are known.
local function comes_to(count, event, place, begun)
  if place.shape ~= 'first' then
    return place.start <= event.at and (not place.finish or event.at < place.finish)
  end
  if count.since then
    if count.since <= event.at and (not count.finish or event.at < count.finish) then
      return true
    end
    if event.at < count.since then return false end -- of a stretch that has passed
  end
  if not CHARGES[event.kind] then return false end
  local start, finish = begun_at(begun, place.key, event.at)
  if not start then return false, true end
  if finish == cjson.null then finish = nil end
  count.used, count.newest, count.since, count.finish = 0, nil, start, finish
  return true
end

-- Adds one line to a count, as quota/count.rs says: returns 'same', 'changed', 'unknown' if it has
-- to be folded, or 'day' if the day of a first use is not among those that are known.
local function add_to(count, event, place, known, begun)
  if place.shape == 'first' and event.kind == 'refund' and place.aggregate ~= 'sum' then
    return 'unknown'
  end
  local used, newest, since = count.used, count.newest, count.since
  local comes, lacks = comes_to(count, event, place, begun)
  if lacks then return 'day' end
  if not comes then return 'same' end
  if event.kind == 'reset' then
    if event.bucket == '' or event.bucket == place.key then count.used, count.newest = 0, nil end
  elseif event.kind == 'refund' and place.aggregate ~= 'sum' then
    return 'unknown'
  elseif CHARGES[event.kind] then
    if place.aggregate == 'sum' then
      count.used = amount.at_least_zero(amount.sum(count.used, event.amount))
    elseif place.aggregate == 'max' then
      count.used = amount.most(count.used, event.amount)
    elseif place.aggregate == 'last' then
      if not count.newest or count.newest <= event.at then
        count.used, count.newest = amount.at_least_zero(event.amount), event.at
      end
    elseif not known and event.member ~= '' then
      count.used = amount.sum(count.used, 1)
    end
  end
  local is_same = amount.compare(used, count.used) == 0 and newest == count.newest
    and since == count.since
  return is_same and 'same' or 'changed'
end

-- Adds one line to what is kept of an account in an opened bucket. `folded`, if there is one, is
-- what it comes to: { used, newest, since, finish, members }. Returns as add_to does.
local function count_line(place, account, event, begun, folded)
  local counts, members = root .. 'counts:' .. place.id, root .. 'members:' .. place.id .. ':' .. account
  if folded then
    call('HSET', counts, account, write_count(folded))
    call('DEL', members)
    for _, member in ipairs(folded.members or {}) do call('SADD', members, member) end
    return 'changed'
  end
  local count = count_of(place.id, account)
  local known = place.aggregate == 'unique' and event.member ~= ''
    and call('SISMEMBER', members, event.member) == 1
  local became = add_to(count, event, place, known, begun)
  if became ~= 'changed' then return became end
  call('HSET', counts, account, write_count(count))
  if event.kind == 'reset' then
    call('DEL', members)
  elseif place.aggregate == 'unique' and event.member ~= '' then
    call('SADD', members, event.member)
  end
  return became
end

-- Closes the opened buckets of resources that add up otherwise by now; `present` says how each
-- does. Returns false, and does nothing, if it lacks one.
local function closes_changed(present)
  local changed = {}
  local places = call('HGETALL', root .. 'places')
  for index = 1, #places, 2 do
    local per, resource, key = string.match(places[index], '^(%a+):([^:]+):(.*)$')
    local place = read_place(places[index + 1])
    if not present[resource] then return false end
    if present[resource] ~= place.aggregate then
      table.insert(changed, { per, resource, key, place })
    end
  end
  for _, one in ipairs(changed) do
    local per, resource, key, place = unpack(one)
    close_place(per, resource, key)
    if place.is_in_parts then
      call('HDEL', root .. 'parts', per .. ':' .. resource)
      for _, account in ipairs(call('ZRANGE', root .. 'accounts:' .. per .. ':' .. resource, 0, -1)) do
        call('UNLINK', key_of('part', per, resource, account))
      end
    end
  end
  if #changed > 0 then call('INCR', root .. 'epoch') end
  return true
end
