-- Writes a key that ends and the key that replaces it, both or neither, and publishes the change.
--
-- KEYS[1]  hash of the keys
-- KEYS[2]  version of the directory: rises with each change
-- ARGV[1]  channel that gateways listen to
-- ARGV[2]  id of the key that ends
-- ARGV[3]  its record (JSON)
-- ARGV[4]  id of the new key
-- ARGV[5]  its record (JSON)
--
-- Returns 1 written; 0 there is no key to replace; -1 it has been replaced before
local before = redis.call('HGET', KEYS[1], ARGV[2])
if not before then return 0 end
if cjson.decode(before).replacedBy then return -1 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
redis.call('PUBLISH', ARGV[1], redis.call('INCR', KEYS[2]))
return 1
