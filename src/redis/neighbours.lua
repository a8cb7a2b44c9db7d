-- Records that a gateway with this configuration is running, and returns the other configurations that have one.
--
-- KEYS[1]  hash: fingerprint of a configuration -> when one of its gateways was last here (milliseconds since 1970) and on which machine
-- ARGV[1]  own fingerprint
-- ARGV[2]  name of this machine
-- ARGV[3]  milliseconds after which a configuration is forgotten
--
-- Returns fingerprint, milliseconds since it was last here, machine; of each other configuration
local own, machine, keep_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

redis.call('HSET', KEYS[1], own, string.format('%.0f %s', now_ms, machine))
redis.call('PEXPIRE', KEYS[1], keep_ms)
local others = {}
local noted = redis.call('HGETALL', KEYS[1])
for at = 1, #noted, 2 do
  local seen_ms, where = string.match(noted[at + 1], '^(%d+) (.*)$')
  local age_ms = seen_ms and now_ms - tonumber(seen_ms) or keep_ms
  if age_ms >= keep_ms then
    redis.call('HDEL', KEYS[1], noted[at])
  elseif noted[at] ~= own then
    others[#others + 1] = noted[at]
    others[#others + 1] = string.format('%.0f', age_ms)
    others[#others + 1] = where
  end
end
return others
