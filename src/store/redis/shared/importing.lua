-- Importing: which roots are being filled by an import that goes on. One of which nothing was heard
-- for a while was broken off, and is swept away.

-- By the server's clock: that is about this very process, not about what is counted.
local function server_time()
  local time = call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- Says that the import into this root goes on. Returns false if it was given up.
local function goes_on(new)
  local importing = KEYS[1] .. 'importing'
  if not call('ZSCORE', importing, new) then return false end
  call('ZADD', importing, whole(server_time() + 60000), new)
  return true
end
