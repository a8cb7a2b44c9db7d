-- Writes when keys were last used. Publishes nothing: no decision of a gateway depends on it.
--
-- KEYS[1]  hash of the keys
-- KEYS[2]  hash of when keys were last used
-- ARGV     id, milliseconds since 1970, in pairs; keys that are gone are left alone
--
-- Returns how many were written
local noted = 0
for at = 1, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[1], ARGV[at]) == 1 then
    redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
    noted = noted + 1
  end
end
return noted
