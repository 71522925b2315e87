-- Returns the reservations that count, oldest first.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  now, in milliseconds             ARGV[2]  at most so many
-- Answers  each as its id and the fields of its hash

local now, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local found, offset = {}, 0
while #found < most do
  local ids = call('ZRANGE', root .. 'open:server:', offset, offset + 999)
  if #ids == 0 then break end
  offset = offset + #ids
  for _, id in ipairs(ids) do
    local hold = load_hold(id)
    if #found < most and counts(hold, now) then
      local fields = call('HGETALL', root .. 'hold:' .. id)
      table.insert(fields, 1, id)
      table.insert(found, fields)
    end
  end
end
return found
