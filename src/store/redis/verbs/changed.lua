-- Returns whose counts of an opened bucket the lines behind one may have changed; and, if those are
-- all there are, their counts and those of the accounts named, as the newest line left them.
--
-- KEYS: the prefix. ARGV: the epoch, the id of the bucket, per, resource, the id of the line, in 20
-- digits; then accounts.
-- Returns the id of the last line looked at; 1 if it is the newest; then accounts, each with its
-- count or nothing. Nothing at all if the epoch is another.

local LINES = 500
local epoch, place, per, resource, last = unpack(ARGV, 1, 5)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local ids = call('ZRANGEBYLEX', root .. 'ledger', '(' .. last, '+', 'LIMIT', 0, LINES)
local changed, seen = {}, {}
local function add(account)
  if seen[account] then return end
  seen[account] = true
  table.insert(changed, account)
end
for index = 6, #ARGV do add(ARGV[index]) end
for _, id in ipairs(ids) do
  local line = cjson.decode(call('HGET', root .. 'line', id))
  if line[3] == resource then
    if per == 'subject' then add(line[1])
    elseif per == 'group' and line[2] ~= '' then add(line[2])
    elseif per == 'server' then add('')
    end
  end
  last = id
end
local is_newest = #ids < LINES
local found = { last, is_newest and '1' or '0' }
for _, account in ipairs(changed) do
  table.insert(found, account)
  table.insert(found, is_newest and call('HGET', root .. 'counts:' .. place, account) or '')
end
return found
