-- Returns the oldest lines, and what tells whether they are still needed.
--
-- KEYS: the prefix. ARGV: how many lines at most.
-- Returns the epoch, the version of the policy and the last id of a bucket; the number of opened
-- buckets, and the field and the text of each; then of each line its id, its text, the state of its
-- reservation or nothing, and the number of buckets by first use that it may count in, with the id
-- of each and the count of its account there or nothing.

local places = call('HGETALL', root .. 'places')
local found = {
  call('GET', root .. 'epoch') or '0', policy_version(), call('GET', root .. 'last-place') or '0',
  whole(#places / 2),
}
local first = {} -- by resource: { per, id } each
for index = 1, #places, 2 do
  table.insert(found, places[index])
  table.insert(found, places[index + 1])
  local place = read_place(places[index + 1])
  if place.shape == 'first' then
    local per, resource = string.match(places[index], '^(%a+):([^:]+):')
    first[resource] = first[resource] or {}
    table.insert(first[resource], { per, place.id })
  end
end

local ids = call('ZRANGE', root .. 'ledger', 0, tonumber(ARGV[1]) - 1)
for _, id in ipairs(ids) do
  local text = call('HGET', root .. 'line', id)
  local line = cjson.decode(text)
  local subject, group, resource, hold = line[1], line[2], line[3], line[8]
  table.insert(found, id)
  table.insert(found, text)
  table.insert(found, hold ~= '' and call('HGET', root .. 'hold:' .. hold, 'state') or '')
  local counts = {}
  for _, place in ipairs(first[resource] or {}) do
    local account = place[1] == 'subject' and subject or place[1] == 'group' and group or ''
    table.insert(counts, place[2])
    table.insert(counts, call('HGET', root .. 'counts:' .. place[2], account) or '')
  end
  table.insert(found, whole(#counts / 2))
  for _, text in ipairs(counts) do table.insert(found, text) end
end
return found
