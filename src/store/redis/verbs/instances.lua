-- Returns the instances, each with its latest sign of life in milliseconds.
--
-- KEYS: the prefix.

return call('HGETALL', root .. 'instances')
