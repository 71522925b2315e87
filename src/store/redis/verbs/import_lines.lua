-- Puts lines into the root of an import, in order.
--
-- KEYS: the prefix. ARGV: the root of the import; then the id of a line, in 20 digits, and its text
-- each.
-- Returns 1; 0 if the import was given up.

if not goes_on(ARGV[1]) then return 0 end
root = KEYS[1] .. ARGV[1]
for index = 2, #ARGV, 2 do
  local id, text = ARGV[index], ARGV[index + 1]
  local line = cjson.decode(text)
  call('HSET', root .. 'line', id, text)
  index_line(id, {
    subject = line[1], group = line[2], resource = line[3], kind = line[4],
    amount = amount.read(line[5]), member = line[6], at = tonumber(line[7]), hold = line[8],
    bucket = line[9], key = line[11], fingerprint = line[12],
  }, tonumber(line[10]))
end
local last = string.gsub(ARGV[#ARGV - 1], '^0+', '')
call('SET', root .. 'last-line', last == '' and '0' or last)
return 1
