-- Removes a key and publishes the change.
--
-- KEYS[1]  hash of the keys
-- KEYS[2]  version of the directory: rises with each change
-- KEYS[3]  hash of when keys were last used
-- ARGV[1]  channel that gateways listen to
-- ARGV[2]  id
--
-- Returns 1 removed, 0 there was none
if redis.call('HDEL', KEYS[1], ARGV[2]) == 0 then return 0 end
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('PUBLISH', ARGV[1], redis.call('INCR', KEYS[2]))
return 1
