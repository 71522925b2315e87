-- Returns lines by account and moment, so many at once, as long as the books are of one epoch.
--
-- KEYS: the prefix. ARGV: the epoch; the newest line to be told of, in 20 digits; per, resource;
-- the first moment, the bound behind the last, as ZRANGEBYSCORE has it; 1 if of all accounts from
-- here on; then where to go on: an account, a moment in it or `-` for behind it, and how many
-- lines of that moment were told already.
-- Returns where to go on (an account, a moment, a number; the moment is empty at the end), and then
-- of each account its name, its balance or nothing, the number of lines, the id and the text of
-- each; nothing at all if the epoch is another.

local LINES, ACCOUNTS = 1000, 250
local epoch, last, per, resource, start, finish, is_all, account, moment, told = unpack(ARGV)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local found = { '', '', '0' }
local left = LINES

-- Adds lines of an account; returns true if there are no more.
local function tell(name, from, skipped)
  local moments = key_of('moments', per, resource, name)
  local entries = call('ZRANGEBYSCORE', moments, from, finish, 'WITHSCORES', 'LIMIT', skipped, left)
  table.insert(found, name)
  table.insert(found, call('HGET', root .. 'balances:' .. per .. ':' .. resource, name) or '')
  table.insert(found, '0')
  local place, count = #found, 0
  local at, seen = from, tonumber(skipped)
  for index = 1, #entries, 2 do
    local id = string.match(entries[index], '^%d+')
    if entries[index + 1] == at then seen = seen + 1 else at, seen = entries[index + 1], 1 end
    if id <= last then
      count = count + 1
      table.insert(found, id)
      table.insert(found, call('HGET', root .. 'line', id))
    end
  end
  found[place] = whole(count)
  left = left - #entries / 2
  if left > 0 then return true end
  found[1], found[2], found[3] = name, at, whole(seen)
  return false
end

if moment ~= '-' and not (is_all == '1' and moment == start and told == '0') then
  if not tell(account, moment, told) then return found end
  if is_all ~= '1' then return found end
  moment = '-'
end
local bound = (moment == '-' and '(' or '[') .. account
local accounts = root .. 'accounts:' .. per .. ':' .. resource
local names = call('ZRANGEBYLEX', accounts, bound, '+', 'LIMIT', 0, ACCOUNTS)
for _, name in ipairs(names) do
  if not tell(name, start, '0') then return found end
end
if #names == ACCOUNTS then found[1], found[2] = names[ACCOUNTS], '-' end
return found
