-- Takes out what is old, other than lines: notices but for the newest, marks of windows that ended,
-- reservations that ended, and opened buckets that ended, so many of each.
--
-- KEYS: the prefix. ARGV: the moment before which it is old, and the one before which reservations
-- have ended that nobody asks for, in milliseconds; how many of each at most.
-- Returns 1 if there may be more, or 0.

local before, ended, most = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local is_more = false

local notices = call('ZRANGE', root .. 'notices', 0, most - 1)
local newest = call('ZREVRANGE', root .. 'notices', 0, 0)[1]
local gone = 0
for _, id in ipairs(notices) do
  local notice = cjson.decode(call('HGET', root .. 'notice', id))
  if id == newest or tonumber(notice[13]) >= before then break end
  call('HDEL', root .. 'notice', id)
  call('ZREM', root .. 'notices', id)
  gone = gone + 1
end
is_more = is_more or gone == most

local marks = call('ZRANGEBYSCORE', root .. 'marks-by-end', '-inf', ARGV[1], 'LIMIT', 0, most)
for _, mark in ipairs(marks) do
  local key, field = string.match(mark, '^([^\n]*)\n(.*)$')
  call('HDEL', root .. key, field)
  call('ZREM', root .. 'marks-by-end', mark)
end
is_more = is_more or #marks == most

local holds = call('ZRANGEBYSCORE', root .. 'ended', '-inf', ended, 'LIMIT', 0, most)
for _, id in ipairs(holds) do
  local subject = call('HGET', root .. 'hold:' .. id, 'subject')
  if subject then call('SREM', root .. 'holds:' .. subject, id) end
  call('DEL', root .. 'hold:' .. id)
  call('ZREM', root .. 'ended', id)
end
is_more = is_more or #holds == most

-- A bucket is taken out of use whole, so that nobody takes what is left of it for all there is.
local closed = 0
local fields = call('HGETALL', root .. 'places')
for index = 1, #fields, 2 do
  local text = fields[index + 1]
  local place = read_place(text)
  if place.shape == 'stretch' and place.finish and place.finish <= before and closed < most then
    closed = closed + 1
    local per, resource = string.match(fields[index], '^(%a+):([^:]+):')
    call('HDEL', root .. 'places', fields[index])
    call('ZREM', root .. 'places:' .. per .. ':' .. resource, text)
    if place.aggregate == 'unique' then
      call('SADD', root .. 'closed', place.id)
    else
      call('UNLINK', root .. 'counts:' .. place.id)
    end
  end
end
if closed > 0 then call('INCR', root .. 'epoch') end
is_more = is_more or closed == most

-- The members of what was closed go account by account.
local id = call('SRANDMEMBER', root .. 'closed')
if id then
  -- Any of them: a scan from the beginning would find nothing where it took all before.
  for _, account in ipairs(call('HRANDFIELD', root .. 'counts:' .. id, most)) do
    call('UNLINK', root .. 'members:' .. id .. ':' .. account)
    call('HDEL', root .. 'counts:' .. id, account)
  end
  if call('EXISTS', root .. 'counts:' .. id) == 0 then call('SREM', root .. 'closed', id) end
  is_more = is_more or call('EXISTS', root .. 'closed') == 1
end
return is_more and 1 or 0
