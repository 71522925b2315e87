-- Returns the opened buckets: the field of each and what is written there.
--
-- KEYS: the prefix.

return call('HGETALL', root .. 'places')
