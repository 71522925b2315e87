-- Names of keys, as keys.rs has them, all under the first that a script is given, KEYS[1],
-- `{prefix}:`, and the generation that an import made.

local call = redis.call
local root = KEYS[1] .. (call('GET', KEYS[1] .. 'generation') or '')

-- Returns where a key is that was named as if there had been no import.
local function placed(key)
  return root .. string.sub(key, #KEYS[1] + 1)
end

-- Each account's own: what, per, resource, account.
local function key_of(what, per, resource, account)
  return root .. what .. ':' .. per .. ':' .. resource .. ':' .. account
end

-- Writes a whole number exactly: tostring would round it to 14 digits.
local function whole(number)
  return string.format('%.0f', number)
end

-- Writes an id in 20 digits, so that the order of text is that of numbers.
local function padded(id)
  return string.rep('0', 20 - #id) .. id
end

-- Returns the next id of a series of ids: as text, since it may be past 2^53.
local function next_id(series)
  call('INCR', root .. series)
  return call('GET', root .. series)
end

-- Returns the version of the policy.
local function policy_version()
  return call('HGET', root .. 'policy', 'version') or '0'
end

-- Returns true if the policy is of another version than the one that is asked for.
local function is_stale(version)
  return policy_version() ~= version
end

-- Returns an answer that says why nothing was done.
local function conflict(text)
  return { 'conflict', text }
end

-- Writes what a subject has of its own, as JSON; nothing takes no room.
local function put_grants(subject, document)
  if document == '' then
    call('HDEL', root .. 'grants', subject)
    call('ZREM', root .. 'granted', subject)
  else
    call('HSET', root .. 'grants', subject, document)
    call('ZADD', root .. 'granted', 0, subject)
    call('ZADD', root .. 'subjects', 0, subject)
  end
end
