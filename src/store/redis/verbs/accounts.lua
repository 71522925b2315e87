-- Returns accounts that have lines about a resource, or a balance, by name.
--
-- KEYS: the prefix. ARGV: per, resource; the first bound, as ZRANGEBYLEX has it; how many at most.

return call('ZRANGEBYLEX', root .. 'accounts:' .. ARGV[1] .. ':' .. ARGV[2], ARGV[3], '+', 'LIMIT',
  0, ARGV[4])
