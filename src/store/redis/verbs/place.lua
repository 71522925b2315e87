-- Returns an opened bucket, as it is written; nothing if it is not opened.
--
-- KEYS: the prefix. ARGV: its field among the places.

return call('HGET', root .. 'places', ARGV[1])
