-- Writes what counts of an opened bucket have to be, and adds what was written since.
--
-- KEYS: the prefix. ARGV: the epoch; the line up to which the ledger was folded, in 20 digits; per,
-- resource; the field of the bucket among the places, its id; as JSON, an account, its count or
-- nothing, and its members, each; 1 if these are the last.
-- Returns 1; nothing, and writes nothing, if the books were changed, or too much was written.

local LINES = 1000
local epoch, last, per, resource, field, id, rows, is_last = unpack(ARGV)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local text = call('HGET', root .. 'places', field)
local place = text and read_place(text)
if not place or place.id ~= id then return false end
local since = call('ZRANGEBYLEX', root .. 'ledger', '(' .. last, '+', 'LIMIT', 0, LINES + 1)
if #since > LINES then return false end

rows = cjson.decode(rows)
local all = {}
for _, row in ipairs(rows) do
  local count = row[2] == '' and { used = 0 } or read_count(row[2])
  local members = {}
  for index = 3, #row do members[row[index]] = true end
  all[row[1]] = { count = count, members = members }
end
for _, line in ipairs(since) do
  local parts = cjson.decode(call('HGET', root .. 'line', line))
  local event = {
    subject = parts[1], group = parts[2], resource = parts[3], kind = parts[4],
    amount = amount.read(parts[5]), member = parts[6], at = tonumber(parts[7]), hold = parts[8],
    bucket = parts[9],
  }
  for _, account in ipairs(event.resource == resource and accounts_of(event) or {}) do
    local its = account[1] == per and all[account[2]]
    if its then
      local became = add_to(its.count, event, place, its.members[event.member])
      if became == 'unknown' or became == 'day' then return false end
      if became == 'changed' and event.kind == 'reset' then its.members = {} end
      if became == 'changed' and event.member ~= '' then its.members[event.member] = true end
    end
  end
end

for account, its in pairs(all) do
  local members = root .. 'members:' .. id .. ':' .. account
  call('UNLINK', members)
  if amount.compare(its.count.used, 0) == 0 and not its.count.newest and not its.count.since then
    call('HDEL', root .. 'counts:' .. id, account)
  else
    call('HSET', root .. 'counts:' .. id, account, write_count(its.count))
    for member in pairs(its.members) do
      if place.aggregate == 'unique' then call('SADD', members, member) end
    end
  end
end
if is_last == '1' then call('INCR', root .. 'epoch') end
return 1
