-- Ends an import: what was put in is what there is from now on.
--
-- KEYS: the prefix. ARGV: the version of the policy that was seen, and the next; the root of the
-- import; the store layer, as JSON; 1 if the ledger is replaced, otherwise nothing; as JSON, how
-- the resources add up from now on.
-- Returns a word and what it says: `done`, `conflict` and why, or `unknown` and a resource of which
-- it was not told how it adds up.

local seen, version, new, layer, is_replaced, measures = unpack(ARGV)
if is_stale(seen) then return conflict('the policy was changed by someone else: try again') end

-- Gives a key of the old root to another.
local function move(name, from, to)
  if call('EXISTS', from .. name) == 1 then call('RENAME', from .. name, to .. name) end
end

local old, staged = root, KEYS[1] .. new
if is_replaced == '1' then
  -- What is not of the ledger stays.
  for _, name in ipairs({
    'policy', 'epoch', 'notice', 'notices', 'last-notice', 'told', 'instances', 'tokens',
  }) do
    move(name, old, staged)
  end
  root = staged
  call('SET', KEYS[1] .. 'generation', new)
else
  measures = cjson.decode(measures)
  local places = call('HKEYS', root .. 'places')
  for _, field in ipairs(places) do
    local resource = string.match(field, '^%a+:([^:]+):')
    if not measures[resource] then return { 'unknown', resource } end
  end
  for _, field in ipairs(places) do
    local per, resource, key = string.match(field, '^(%a+):([^:]+):(.*)$')
    local place = read_place(call('HGET', root .. 'places', field))
    if place.aggregate ~= measures[resource] then close_place(per, resource, key) end
  end
  for _, name in ipairs({ 'grants', 'granted' }) do
    call('UNLINK', old .. name)
    move(name, staged, old)
  end
  call('UNLINK', staged .. 'subjects')
end
call('HSET', root .. 'policy', 'store', layer, 'version', version)
call('INCR', root .. 'epoch')
return { 'done', '' }
