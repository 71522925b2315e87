-- Puts balances into the root of an import.
--
-- KEYS: the prefix. ARGV: the root of the import; then per, resource, account and `USED NEWEST`
-- each.
-- Returns 1; 0 if the import was given up.

if not goes_on(ARGV[1]) then return 0 end
root = KEYS[1] .. ARGV[1]
for index = 2, #ARGV, 4 do
  local per, resource, account, balance = unpack(ARGV, index, index + 3)
  call('HSET', root .. 'balances:' .. per .. ':' .. resource, account, balance)
  call('ZADD', root .. 'accounts:' .. per .. ':' .. resource, 0, account)
  call('SADD', root .. 'resources', resource)
  if per == 'subject' then call('ZADD', root .. 'subjects', 0, account) end
end
return 1
