-- Returns what is needed to carry over what lines came to, as long as the books are of one epoch.
--
-- KEYS: the prefix. ARGV: the epoch; as JSON, accounts: per, resource, name each; as JSON, charges:
-- a resource, a subject, a moment and a reservation each.
-- Returns the balance of each account or nothing; then of each charge 1 if it was taken back.
-- Nothing at all if the epoch is another.

if (call('GET', root .. 'epoch') or '0') ~= ARGV[1] then return false end
local found = {}
for _, account in ipairs(cjson.decode(ARGV[2])) do
  local balance = call('HGET', root .. 'balances:' .. account[1] .. ':' .. account[2], account[3])
  table.insert(found, balance or '')
end
for _, charge in ipairs(cjson.decode(ARGV[3])) do
  table.insert(found, is_taken_back(unpack(charge)) and '1' or '')
end
return found
