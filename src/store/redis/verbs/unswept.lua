-- Returns 1 if there are keys of a root that is no longer in use, or 0.
--
-- KEYS: the prefix.

local present = call('GET', KEYS[1] .. 'generation') or ''
return (call('GET', KEYS[1] .. 'swept') or '') ~= present and 1 or 0
