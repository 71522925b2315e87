-- Looks at the lines of one account, for a fold.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  the key of the account's moments, as if there had been no import
-- ARGV[2]  the first moment, ARGV[3] the last, as ZRANGEBYSCORE has them
-- ARGV[4]  how many lines at most
-- ARGV[5]  the key of the balances, as if there had been no import, and ARGV[6] the account
-- Answers  the epoch; how many lines the account has in all; its balance, or nothing; then the ids
--          in order, each with its line, or nothing past so many

local moments = placed(ARGV[1])
local found = call('ZRANGEBYSCORE', moments, ARGV[2], ARGV[3])
local ids = {}
for index, entry in ipairs(found) do ids[index] = string.sub(entry, 1, 20) end
table.sort(ids)
local answer = {
  call('GET', root .. 'epoch') or '0', whole(call('ZCARD', moments)),
  call('HGET', placed(ARGV[5]), ARGV[6]) or '',
}
for index, id in ipairs(ids) do
  table.insert(answer, id)
  local line = index <= tonumber(ARGV[4]) and call('HGET', root .. 'line', id)
  table.insert(answer, line or '')
end
return answer
