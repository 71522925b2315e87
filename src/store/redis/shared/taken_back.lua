-- Taken back: whether the ledger has the line that takes a charge back. It is of the same moment.

local function is_taken_back(resource, subject, at, hold)
  local entries = call('ZRANGEBYSCORE', key_of('moments', 'subject', resource, subject), at, at)
  for _, entry in ipairs(entries) do
    local id = string.match(entry, '^(%d+) refund ')
    if id and cjson.decode(call('HGET', root .. 'line', id))[8] == hold then return true end
  end
  return false
end
