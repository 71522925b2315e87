-- Returns at what the books stand: how many changes they saw that are no lines, the newest line.
--
-- KEYS: the prefix. Returns the epoch and an id in 20 digits.

return { call('GET', root .. 'epoch') or '0', padded(call('GET', root .. 'last-line') or '0') }
