-- Writes one record and publishes the change.
--
-- KEYS[1]  hash of the records
-- KEYS[2]  version of the directory: rises with each change
-- ARGV[1]  channel that gateways listen to
-- ARGV[2]  field
-- ARGV[3]  record (JSON)
-- ARGV[4]  where: 'anywhere', or 'new' (only where there is none)
--
-- Returns 1 written, 0 not: there is one already
if ARGV[4] == 'new' and redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('PUBLISH', ARGV[1], redis.call('INCR', KEYS[2]))
return 1
