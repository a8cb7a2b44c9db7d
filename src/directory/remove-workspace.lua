-- Removes a workspace with all its keys and publishes the change. O(keys): workspaces are seldom removed.
--
-- KEYS[1]  hash of the keys
-- KEYS[2]  version of the directory: rises with each change
-- KEYS[3]  hash of when keys were last used
-- KEYS[4]  hash of the workspaces
-- ARGV[1]  channel that gateways listen to
-- ARGV[2]  name
--
-- Returns 1 removed, 0 there was none
if redis.call('HDEL', KEYS[4], ARGV[2]) == 0 then return 0 end
local keys = redis.call('HGETALL', KEYS[1])
for at = 1, #keys, 2 do
  -- A record that cannot be read stays, and does not stop the removal.
  local is_record, record = pcall(cjson.decode, keys[at + 1])
  if is_record and type(record) == 'table' and record.workspace == ARGV[2] then
    redis.call('HDEL', KEYS[1], keys[at])
    redis.call('HDEL', KEYS[3], keys[at])
  end
end
redis.call('PUBLISH', ARGV[1], redis.call('INCR', KEYS[2]))
return 1
