-- Claims the opening of a bucket.
--
-- KEYS[1]  the prefix of all keys
-- ARGV[1]  a token that nobody else has
-- ARGV[2]  the field of the bucket among the places: PER:RESOURCE:KEY
-- ARGV[3]  how it adds up
-- ARGV[4]  of a rolling sum: the first moment of which parts are needed, in milliseconds; else -
-- Answers  'there'; 'taken', by another; or 'claimed', an id for the bucket, the present epoch,
--          the last line in 20 digits, and the first moment of which parts are kept, or -

local token, field, aggregate, from = ARGV[1], ARGV[2], ARGV[3], maybe_number(ARGV[4])
local text = call('HGET', root .. 'places', field)
local whose = string.match(field, '^(%a+:[^:]+):')
local since = tonumber(call('HGET', root .. 'parts', whose) or '')
local is_there = text and read_place(text).aggregate == aggregate
if is_there and (not from or (since and since <= from)) then return { 'there' } end
-- It expires by the server's clock: that is about this very process, not about what is counted.
if not call('SET', root .. 'opening', token, 'NX', 'PX', 15000) then return { 'taken' } end
-- What another left half done is of no use.
for _, id in ipairs(call('SMEMBERS', root .. 'staged')) do forget_counts(id) end
call('DEL', root .. 'staged')
local id = next_id('last-place')
call('SADD', root .. 'staged', id)
return {
  'claimed', id, call('GET', root .. 'epoch') or '0', padded(call('GET', root .. 'last-line') or '0'),
  maybe_text(since),
}
