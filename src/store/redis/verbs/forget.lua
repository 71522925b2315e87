-- Gives all that a subject did to a name that says nothing, and takes away what it has of its own.
--
-- KEYS: the prefix. ARGV: the subject, the pseudonym; now, in milliseconds; the epoch; the newest
-- line of each, or nothing; as JSON, the ids of notices about the subject; the last notice that was
-- looked at, in 20 digits; as JSON, the counts that both have together, where the pseudonym has
-- some: the id of a bucket, a count and members each.
-- Returns a word: `done`; `conflict` and why; `again` if the books were changed meanwhile.

local old, new, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
if (call('GET', root .. 'epoch') or '0') ~= ARGV[4] then return { 'again' } end
for index, name in ipairs({ old, new }) do
  local newest = call('ZREVRANGE', root .. 'lines:' .. name, 0, 0)[1] or ''
  if newest ~= ARGV[4 + index] then return { 'again' } end
end
for _, id in ipairs(call('ZRANGE', root .. 'open:subject:' .. old, 0, -1)) do
  if counts(load_hold(id), now) then
    return conflict(old .. ' has reservations under way: try again when they have ended')
  end
end
retire(old, now)

-- Gives what is under one key to another, that may have some, too.
local function give(from, to, unite)
  if from == to or call('EXISTS', from) == 0 then return end
  if call('EXISTS', to) == 0 then
    call('RENAME', from, to)
  else
    unite(from, to)
    call('UNLINK', from)
  end
end

local function unite_sorted(from, to) call('ZUNIONSTORE', to, 2, to, from, 'AGGREGATE', 'MAX') end
local function unite_sets(from, to) call('SUNIONSTORE', to, to, from) end

local function unite_parts(from, to)
  local fields = call('HGETALL', from)
  for index = 1, #fields, 2 do add_to_part(to, fields[index], amount.read(fields[index + 1])) end
end

local function unite_marks(from, to)
  local fields = call('HGETALL', from)
  for index = 1, #fields, 2 do call('HSET', to, fields[index], fields[index + 1]) end
end

-- Adds a balance to the one that the pseudonym has.
local function give_balance(resource)
  local balances = root .. 'balances:subject:' .. resource
  local balance = call('HGET', balances, old)
  if not balance or old == new then return end
  local used, newest = string.match(balance, '^(%S+) (%S+)$')
  local other_used, other_newest = string.match(call('HGET', balances, new) or '0 -', '^(%S+) (%S+)$')
  local sum = amount.sum(amount.read(used), amount.read(other_used))
  local latest = maybe_number(newest)
  local other = maybe_number(other_newest)
  if other and (not latest or latest < other) then latest = other end
  call('HSET', balances, new, amount.text(sum) .. ' ' .. maybe_text(latest))
  call('HDEL', balances, old)
end

-- Names the marks of a resource after the pseudonym in the list by their ends.
local function give_marks(resource)
  local from, to = 'marks:subject:' .. resource .. ':' .. old, 'marks:subject:' .. resource .. ':' .. new
  if from == to then return end
  for _, field in ipairs(call('HKEYS', root .. from)) do
    local mark = from .. '\n' .. field
    local finish = call('ZSCORE', root .. 'marks-by-end', mark)
    if finish then
      call('ZREM', root .. 'marks-by-end', mark)
      call('ZADD', root .. 'marks-by-end', finish, to .. '\n' .. field)
    end
  end
  give(root .. from, root .. to, unite_marks)
end

for _, id in ipairs(call('ZRANGE', root .. 'lines:' .. old, 0, -1)) do
  local line = cjson.decode(call('HGET', root .. 'line', id))
  line[1], line[11], line[12] = new, '', ''
  call('HSET', root .. 'line', id, cjson.encode(line))
end
for _, resource in ipairs(call('SMEMBERS', root .. 'resources')) do
  local function key(what, name) return key_of(what, 'subject', resource, name) end
  give(key('moments', old), key('moments', new), unite_sorted)
  give(root .. 'resets:' .. resource .. ':' .. old, root .. 'resets:' .. resource .. ':' .. new,
    unite_sorted)
  give(key('part', old), key('part', new), unite_parts)
  give_balance(resource)
  give_marks(resource)
  local accounts = root .. 'accounts:subject:' .. resource
  if call('ZREM', accounts, old) == 1 then call('ZADD', accounts, 0, new) end
end
give(root .. 'lines:' .. old, root .. 'lines:' .. new, unite_sorted)
call('UNLINK', root .. 'calls:' .. old)
for _, id in ipairs(call('SMEMBERS', root .. 'holds:' .. old)) do
  call('HSET', root .. 'hold:' .. id, 'subject', new)
end
give(root .. 'holds:' .. old, root .. 'holds:' .. new, unite_sets)

local places = call('HGETALL', root .. 'places')
for index = 1, #places, 2 do
  local place = read_place(places[index + 1])
  if place.is_counted and string.sub(places[index], 1, 8) == 'subject:' and old ~= new then
    local kept = root .. 'counts:' .. place.id
    local count = call('HGET', kept, old)
    if count then
      call('HSET', kept, new, count)
      call('HDEL', kept, old)
    end
    local members = root .. 'members:' .. place.id .. ':'
    give(members .. old, members .. new, unite_sets)
  end
end
for _, fold in ipairs(cjson.decode(ARGV[9])) do
  local members = root .. 'members:' .. fold[1] .. ':' .. new
  call('HSET', root .. 'counts:' .. fold[1], new, fold[2])
  call('UNLINK', members)
  for index = 3, #fold do call('SADD', members, fold[index]) end
end

local notices = cjson.decode(ARGV[7])
for _, id in ipairs(call('ZRANGEBYLEX', root .. 'notices', '(' .. ARGV[8], '+')) do
  table.insert(notices, id)
end
for _, id in ipairs(notices) do
  local text = call('HGET', root .. 'notice', id)
  local notice = text and cjson.decode(text)
  if notice and notice[2] == old then
    notice[2] = new
    call('HSET', root .. 'notice', id, cjson.encode(notice))
  end
end

if old ~= new then call('ZREM', root .. 'subjects', old) end
call('ZADD', root .. 'subjects', 0, new)
call('ZREM', root .. 'granted', old)
if call('HDEL', root .. 'grants', old) == 1 then call('HINCRBY', root .. 'policy', 'version', 1) end
call('INCR', root .. 'epoch')
return { 'done' }
