-- Returns the time by the clock of the server that keeps the books: seconds and microseconds.
--
-- KEYS: the prefix.

return call('TIME')
