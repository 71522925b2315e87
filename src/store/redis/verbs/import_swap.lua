-- Ends an import: what was put in is what there is from now on.
--
-- KEYS: the prefix. ARGV: the version of the policy that was seen, and the next; the root of the
-- import; the store layer, as JSON; 1 if the ledger is replaced, otherwise nothing; as JSON, how
-- the resources of opened buckets add up from now on.
-- Returns a word: `done`; `conflict` and why; `again` if it was not told how a resource adds up.

local seen, version, new, layer, is_replaced, measures = unpack(ARGV)
if is_stale(seen) then return conflict('the policy was changed by someone else: try again') end
if not goes_on(new) then return conflict('the import stood still for too long: try again') end

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
  if not closes_changed(cjson.decode(measures)) then return { 'again' } end
  for _, name in ipairs({ 'grants', 'granted' }) do
    call('UNLINK', old .. name)
    move(name, staged, old)
  end
  call('UNLINK', staged .. 'subjects')
end
call('HSET', root .. 'policy', 'store', layer, 'version', version)
call('INCR', root .. 'epoch')
call('ZREM', KEYS[1] .. 'importing', new)
return { 'done', '' }
