-- Readings: what the windows of the plan hold.

-- Returns the first moment of which parts are kept; nil if none are.
local function parts_since(per, resource)
  return tonumber(call('HGET', root .. 'parts', per .. ':' .. resource) or '')
end

-- Returns true if the parts that a rolling window needs are kept.
local function has_parts(bound, resource)
  local from = parts_since(bound.per, resource)
  return from and from <= math.floor(bound.start / DAY) * DAY
end

-- Opens a bucket that no line is in; returns false if there may be some.
local function open_empty(item, bound)
  local per, resource = bound.per, item.resource
  local lines = key_of('moments', 'server', resource, '')
  local from
  if bound.shape == 'stretch' then
    local finish = bound.finish and '(' .. whole(bound.finish) or '+inf'
    if call('ZCOUNT', lines, whole(bound.start), finish) > 0 then return false end
    local is_all = bound.start <= -377705023201000
    if is_all and call('EXISTS', root .. 'balances:' .. per .. ':' .. resource) == 1 then
      return false
    end
  elseif bound.shape == 'first' and item.aggregate ~= 'unique' then
    if call('ZCARD', lines) > 0 then return false end
  elseif bound.shape == 'rolling' and item.aggregate == 'sum' then
    local since = parts_since(per, resource)
    from = math.floor(bound.start / DAY) * DAY
    if not since or from < since then
      local until_ = since and '(' .. whole(since) or '+inf'
      if call('ZCOUNT', lines, whole(from), until_) > 0 then return false end
      if call('HEXISTS', root .. 'parts-left', per .. ':' .. resource) == 1 then return false end
    else
      from = nil
    end
  end
  local other = place_of(per, resource, bound.key)
  if other and other.aggregate ~= item.aggregate then
    close_place(per, resource, bound.key)
    call('INCR', root .. 'epoch')
    other = nil
  end
  if from then call('HSET', root .. 'parts', per .. ':' .. resource, whole(from)) end
  if not other then
    local finish = bound.shape == 'stretch' and bound.finish and whole(bound.finish) or nil
    add_place(per, resource, bound.key, finish, bound.place)
  end
  return true
end

-- Finds the opened buckets of the plan; one that is not there is opened if the call `opens`.
-- Returns an answer if something has to be worked out before: which buckets have to be opened, or
-- which windows folded, each as `ITEM:BOUND`. With `anew` every window is to be folded.
local function prepare(opens, anew)
  local fields = {}
  for _, item in ipairs(plan.items) do
    for _, bound in ipairs(item.bounds) do
      table.insert(fields, bound.per .. ':' .. item.resource .. ':' .. bound.key)
    end
  end
  if #fields == 0 then return nil end
  local texts = call('HMGET', root .. 'places', unpack(fields))
  local to_open, to_fold, index = { 'open' }, { 'fold' }, 0
  for i, item in ipairs(plan.items) do
    for j, bound in ipairs(item.bounds) do
      index = index + 1
      local name = i .. ':' .. j
      local place = texts[index] and read_place(texts[index])
      if place and place.aggregate ~= item.aggregate then place = nil end
      local in_parts = bound.shape == 'rolling' and item.aggregate == 'sum'
      local is_there = place and (not in_parts or has_parts(bound, item.resource))
      if not is_there and opens then
        if open_empty(item, bound) then
          place = place_of(bound.per, item.resource, bound.key)
          is_there = true
        else
          table.insert(to_open, name)
        end
      end
      bound.place_found = is_there and place or nil
      bound.fold = extras.folds and extras.folds[name]
      local is_kept = is_there and (place.is_counted or place.is_in_parts)
      if bound.account and not bound.fold and (anew or not is_kept) then
        table.insert(to_fold, name)
      end
    end
  end
  if #to_open > 1 then return to_open end
  if #to_fold > 1 then return to_fold end
  return nil
end

local function ceiling_of(moment, size)
  return math.floor((moment + size - 1) / size) * size
end

-- Returns what whole parts from `first` to before `last` add up to.
local function whole_parts(parts, letter, size, first, last)
  local sum, fields = 0, {}
  local function add_up()
    if #fields == 0 then return end
    for _, value in ipairs(call('HMGET', parts, unpack(fields))) do
      if value then sum = amount.saturating(sum, amount.read(value)) end
    end
    fields = {}
  end
  for number = first / size, last / size - 1 do
    table.insert(fields, letter .. whole(number))
    if #fields == 1000 then add_up() end
  end
  add_up()
  return sum
end

-- Returns what the charges of an account in [start, finish) add up to, by the largest parts.
local function sum_between(window, start, finish, level)
  if start >= finish then return 0 end
  local part = PARTS[level]
  if not part then return lines_sum(window.moments, start, finish) end
  local letter, size = part[1], part[2]
  local first = ceiling_of(math.max(start, window.from), size)
  local last = math.floor(finish / size) * size
  if level == 3 and last >= first and last < finish then
    -- Few lines are dated later in the last minute: they are taken off, not the others added up.
    local rest = lines_sum(window.moments, finish, last + size)
    local sum = amount.saturating(sum_between(window, start, first, 4),
      whole_parts(window.parts, letter, size, first, last + size))
    return amount.minus(sum, rest) or sum
  end
  if first >= last then return sum_between(window, start, finish, level + 1) end
  local sum = amount.saturating(sum_between(window, start, first, level + 1),
    whole_parts(window.parts, letter, size, first, last))
  return amount.saturating(sum, sum_between(window, last, finish, level + 1))
end

-- Returns the latest reset of a subject in a rolling window: its line, and when it was recorded.
local function last_reset(item, bound)
  if bound.per ~= 'subject' then return nil end
  local finish = bound.finish and '(' .. whole(bound.finish) or '+inf'
  local found = call('ZRANGEBYSCORE', root .. 'resets:' .. item.resource .. ':' .. bound.account,
    whole(bound.start), finish)
  local line, recorded
  for _, entry in ipairs(found) do
    local id, when, key = string.match(entry, '^(%d+) (%-?%d+) (.*)$')
    if (key == '' or key == bound.key) and (not line or id > line) then
      line, recorded = id, tonumber(when)
    end
  end
  return line, recorded
end

-- How much later than it is written down a line may be dated: clocks differ by less.
local DATED_AHEAD = 300000

-- Returns the sum of a rolling window of which parts are kept.
local function used_of_parts(item, bound)
  -- A part of which lines were taken out says more than those that are left.
  local pruned = tonumber(call('HGET', root .. 'pruned', item.resource) or '')
  local since = parts_since(bound.per, item.resource)
  local window = {
    moments = key_of('moments', bound.per, item.resource, bound.account),
    parts = key_of('part', bound.per, item.resource, bound.account),
    from = pruned and math.max(since, pruned + 1) or since,
  }
  local finish = bound.finish or 253402207200001
  local line, recorded = last_reset(item, bound)
  if not line then return amount.at_least_zero(sum_between(window, bound.start, finish, 1)) end
  -- What was written down before it is dated before this.
  local cut = math.min(math.max(recorded + DATED_AHEAD + 1, bound.start), finish)
  local first = lines_sum(window.moments, bound.start, cut, line)
  return amount.at_least_zero(amount.saturating(first, sum_between(window, cut, finish, 1)))
end

-- Returns the moment of the oldest charge in a rolling window; nil if there is none.
local function oldest_in(item, bound)
  local moments = key_of('moments', bound.per, item.resource, bound.account)
  local finish = bound.finish and '(' .. whole(bound.finish) or '+inf'
  local offset, step = 0, 8
  while true do
    local found = call('ZRANGEBYSCORE', moments, whole(bound.start), finish, 'WITHSCORES',
      'LIMIT', offset, step)
    for index = 1, #found, 2 do
      local kind = string.match(found[index], '^%d+ (%a+)')
      if CHARGES[kind] then return tonumber(found[index + 1]) end
    end
    if #found < 2 * step then return nil end
    offset, step = offset + step, step * 4
  end
end

-- Returns what is counted in a window, before or after what the call writes.
local function counted(item, bound, after)
  local count
  if bound.fold then
    local fold = after and bound.fold.after or bound.fold.before
    count = {
      used = amount.read(fold[1]), since = maybe_number(fold[2]), finish = maybe_number(fold[3]),
      known = fold[4] == '1', oldest = maybe_number(fold[5]),
    }
  elseif bound.place_found.is_in_parts then
    count = { used = used_of_parts(item, bound) }
  else
    local place = bound.place_found
    count = count_of(place.id, bound.account)
    count.known = item.aggregate == 'unique' and item.member ~= nil
      and call('SISMEMBER', root .. 'members:' .. place.id .. ':' .. bound.account, item.member) == 1
  end
  if bound.shape == 'first' then
    local stands = count.since and count.since <= bound.start
      and (not count.finish or bound.start < count.finish)
    if not stands then return { used = 0, known = false } end
  else
    count.since, count.finish = nil, nil
  end
  return count
end

-- Returns the key and the field, without its mark, under which marks of a window are kept; and
-- the first moment after the window, if it ends.
local function marked(item, bound, reading)
  local key, field, finish = bound.key, nil, bound.finish
  if bound.shape == 'first' then
    key = key .. ' ' .. whole(reading.since or bound.start)
    if reading.since then finish = reading.finish end
  elseif bound.shape == 'rolling' then
    finish = nil
  end
  return key_of('marks', bound.per, item.resource, bound.account), key, finish
end

local function mark_field(bound, mark, key)
  return bound.mode .. ':' .. mark .. ':' .. key
end

local function is_past(bound, used)
  return bound.limit ~= nil and amount.compare(used, bound.limit) > 0
end

-- Reads one window: { used, held, since, finish, over, known, oldest }.
local function reading_of(item, bound, now, without, after)
  if not bound.account then return { used = 0, held = 0 } end
  local count = counted(item, bound, after)
  local reading = {
    used = count.used, since = count.since, finish = count.finish, known = count.known,
  }
  local from, to = bound.start, bound.finish
  if bound.shape == 'first' then
    if reading.since then
      from, to = reading.since, reading.finish
    else
      from = bound.earliest
    end
  end
  reading.held = held_in(bound.per, bound.account, item.resource, from, to, now, without)
  if bound.grace and is_past(bound, reading.used) then
    local marks, key = marked(item, bound, reading)
    reading.over = tonumber(call('HGET', marks, mark_field(bound, 'past', key)) or '')
  end
  if bound.shape == 'rolling' then
    if bound.fold then reading.oldest = count.oldest else reading.oldest = oldest_in(item, bound) end
  end
  return reading
end

-- Reads all windows of the plan: for each item, for each bound. A reservation that is `without`,
-- if given, counts as if it were not open.
local function read_all(now, without, after)
  local all = {}
  for i, item in ipairs(plan.items) do
    all[i] = {}
    for j, bound in ipairs(item.bounds) do
      all[i][j] = reading_of(item, bound, now, without, after)
    end
  end
  return all
end

-- Reads only what is used of the windows of the plan.
local function used_of_all(after)
  local all = {}
  for i, item in ipairs(plan.items) do
    all[i] = {}
    for j, bound in ipairs(item.bounds) do
      all[i][j] = bound.account and counted(item, bound, after) or { used = 0 }
    end
  end
  return all
end

-- Returns an answer: a word, and each reading as `USED HELD SINCE OVER KNOWN OLDEST`.
local function answer_with(word, readings)
  local answer = { word }
  for _, of_item in ipairs(readings) do
    for _, reading in ipairs(of_item) do
      table.insert(answer, table.concat({
        amount.text(reading.used), amount.text(reading.held), maybe_text(reading.since),
        maybe_text(reading.over), reading.known and '1' or '0', maybe_text(reading.oldest),
      }, ' '))
    end
  end
  return answer
end
