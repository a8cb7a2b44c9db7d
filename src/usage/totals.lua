-- Adds what one gateway counted to the totals of a workspace and day: once, however often the same batch is sent.
--
-- KEYS[1]  hash of the totals: "<model> <what>" -> number
-- KEYS[2]  number of the last batch that this gateway has added to it
-- ARGV[1]  number of this batch, rising
-- ARGV[2]  seconds that the totals are kept
-- ARGV[3]  seconds that the batch's number is kept
-- ARGV[4…] field, increment, field, increment, …
--
-- Returns 1 where they were added now, 0 where they had been added before.
local batch = tonumber(ARGV[1])
local totals_kept_s = tonumber(ARGV[2])
local mark_kept_s = tonumber(ARGV[3])

local last = tonumber(redis.call("GET", KEYS[2]) or "0")
if batch <= last then
  return 0
end
for at = 4, #ARGV - 1, 2 do
  redis.call("HINCRBY", KEYS[1], ARGV[at], ARGV[at + 1])
end
redis.call("EXPIRE", KEYS[1], totals_kept_s)
redis.call("SET", KEYS[2], ARGV[1], "EX", mark_kept_s)
return 1
