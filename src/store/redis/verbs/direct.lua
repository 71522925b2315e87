-- Runs one command on a key of the books.
--
-- KEYS: the prefix. ARGV: the command, the key as if there had been no import, other arguments.
-- Returns its answer.

return call(ARGV[1], placed(ARGV[2]), unpack(ARGV, 3))
