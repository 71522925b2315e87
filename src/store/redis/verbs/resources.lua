-- Returns of what there are lines or balances.
--
-- KEYS: the prefix.

return call('SMEMBERS', root .. 'resources')
