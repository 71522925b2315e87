-- Makes a bucket known whose counts, or parts, have been put in; adds what was written since.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the token of the claim           ARGV[2]  the version of the policy it was opened under
-- ARGV[3]  the epoch, ARGV[4] the last line in 20 digits, as they were when it was folded
-- ARGV[5]  per, ARGV[6] resource, ARGV[7] key, ARGV[8] the first moment after it, or nothing
-- ARGV[9]  its id                           ARGV[10] its place (place.rs), without the id
-- ARGV[11] of a rolling sum whose parts were put in: the first moment of the first; or nothing
-- ARGV[12] the days by which it may be begun, if it opens by its first use (shared/plan.lua)
-- Answers  'open'; 'behind' if too much was written since, or what has to be folded; 'changed'

local MOST = 1000
local per, resource, key, id = ARGV[5], ARGV[6], ARGV[7], ARGV[9]
if call('GET', root .. 'opening') ~= ARGV[1] then return { 'changed' } end

local function give_up()
  forget_counts(id)
  call('DEL', root .. 'staged', root .. 'opening')
  return { 'changed' }
end

local is_other = (call('GET', root .. 'epoch') or '0') ~= ARGV[3]
if is_other or is_stale(ARGV[2]) then return give_up() end
local since = call('ZRANGEBYLEX', root .. 'ledger', '(' .. ARGV[4], '+', 'LIMIT', 0, MOST + 1)
if #since > MOST then return { 'behind' } end
local place = read_place(id .. ':' .. ARGV[10])
local begun = cjson.decode(ARGV[12])
local from = tonumber(ARGV[11])
local to = tonumber(call('HGET', root .. 'parts', per .. ':' .. resource) or '')

-- Returns the event of a line; nil if it is not about this.
local function event_of(line)
  local parts = cjson.decode(call('HGET', root .. 'line', line))
  if parts[3] ~= resource then return nil end
  return {
    subject = parts[1], group = parts[2], resource = resource, kind = parts[4],
    amount = amount.read(parts[5]), member = parts[6], at = tonumber(parts[7]), hold = parts[8],
    bucket = parts[9],
  }
end

local events = {}
for _, line in ipairs(since) do
  local event = event_of(line)
  if event then
    local takes_back = event.kind == 'refund' and place.is_counted and place.aggregate ~= 'sum'
    local is_dark = place.shape == 'first' and not begun_at(begun, key, event.at)
    if takes_back or (is_dark and CHARGES[event.kind]) then return { 'behind' } end
    table.insert(events, event)
  end
end
for _, event in ipairs(events) do
  for _, account in ipairs(accounts_of(event)) do
    if account[1] == per and place.is_counted then
      count_line(place, account[2], event, begun)
    elseif account[1] == per and from and CHARGES[event.kind] then
      local is_new = event.at >= from and (not to or event.at < to)
      for _, part in ipairs(is_new and PARTS or {}) do
        local field = part[1] .. whole(math.floor(event.at / part[2]))
        add_to_part(key_of('part', per, resource, account[2]), field, event.amount)
      end
    end
  end
end
if from then call('HSET', root .. 'parts', per .. ':' .. resource, whole(from)) end
local text = call('HGET', root .. 'places', per .. ':' .. resource .. ':' .. key)
if text and read_place(text).aggregate ~= place.aggregate then
  close_place(per, resource, key)
  text = nil
end
if not text then
  local finish = ARGV[8] ~= '' and ARGV[8] or '+inf'
  call('HSET', root .. 'places', per .. ':' .. resource .. ':' .. key, id .. ':' .. ARGV[10])
  call('ZADD', root .. 'places:' .. per .. ':' .. resource, finish, id .. ':' .. ARGV[10])
end
call('DEL', root .. 'staged', root .. 'opening')
return { 'open' }
