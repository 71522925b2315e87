-- Returns lines in their order, of a subject or all, as long as the books are of one epoch.
--
-- KEYS: the prefix. ARGV: the epoch; the index, without the prefix; the id to begin behind, in 20
-- digits, or nothing; 1 if the newest come first; how many at most.
-- Returns the id and the text of each; nothing at all if the epoch is another.

local epoch, index, behind, newest_first, most = unpack(ARGV)
if (call('GET', root .. 'epoch') or '0') ~= epoch then return false end
local ids
if newest_first == '1' then
  local from = behind == '' and '+' or '(' .. behind
  ids = call('ZREVRANGEBYLEX', root .. index, from, '-', 'LIMIT', 0, most)
else
  local from = behind == '' and '-' or '(' .. behind
  ids = call('ZRANGEBYLEX', root .. index, from, '+', 'LIMIT', 0, most)
end
local found = {}
for _, id in ipairs(ids) do
  table.insert(found, id)
  table.insert(found, call('HGET', root .. 'line', id))
end
return found
