-- Runs one command on a key of the books.
--
-- KEYS: the prefix. ARGV: the command, the key as if there had been no import, other arguments.
-- Returns its answer.

return call(ARGV[1], root .. string.sub(ARGV[2], #KEYS[1] + 1), unpack(ARGV, 3))
