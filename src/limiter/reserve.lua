-- Takes requests and tokens from both windows of a workspace and model, or nothing. Atomic; O(1) but for what slides out, and for a
-- refusal, which walks at most 601 slots to say when to come back.
--
-- KEYS[1]  ring of the pair
-- ARGV[1]  tick_us    length of a tick, microseconds
-- ARGV[2]  now_us     microseconds since 1970, or 0 for Redis's own clock (only tests give it)
-- ARGV[3]  rpm        most requests in any window
-- ARGV[4]  tpm        most tokens in any window
-- ARGV[5]  requests   to take (1; 0 to look only)
-- ARGV[6]  tokens     to take
-- ARGV[7]  bound      0 where `tokens` was weighed; else what the call cannot pass, and `tokens` is a guess
--
-- Returns { code, tick, requests used, tokens used, retry_ms, reset_ms }
--   code 0 admitted   used figures include this reservation; `tick` is where it stands
--        1 requests   refused, nothing taken; retry_ms is when it would pass if nobody else came
--        2 tokens     likewise
--        3 weigh      no room for `bound`: ask again with a weighed figure; nothing taken
--   reset_ms          until both windows are empty if nobody else came
local ADMITTED, REQUESTS, TOKENS, WEIGH = 0, 1, 2, 3

local key = KEYS[1]
local tick_us = tonumber(ARGV[1])
local now_us = tonumber(ARGV[2])
local rpm = tonumber(ARGV[3])
local tpm = math.min(tonumber(ARGV[4]), MOST)
local requests = tonumber(ARGV[5])
local tokens = tonumber(ARGV[6])
local bound = tonumber(ARGV[7])

local ring = load_ring(key, tick_us, now_us)
local looking = requests == 0 and tokens == 0
local code, retry_ms = ADMITTED, 0

local function refuse()
  local spare_requests, spare_tokens = rpm - requests - ring.requests, tpm - tokens - ring.tokens
  local requests_out, tokens_out = nil, nil
  if spare_requests >= 0 then requests_out = ring.head - SLOTS end
  if spare_tokens >= 0 then tokens_out = ring.head - SLOTS end
  local function visit(tick, freed_requests, freed_tokens)
    spare_requests, spare_tokens = spare_requests + freed_requests, spare_tokens + freed_tokens
    if not requests_out and spare_requests >= 0 then requests_out = tick end
    if not tokens_out and spare_tokens >= 0 then tokens_out = tick end
    return requests_out and tokens_out
  end
  each_tick(key, ring.head - SLOTS + 1, SLOTS - 1, visit)
  requests_out, tokens_out = requests_out or ring.head, tokens_out or ring.head
  retry_ms = until_out_ms(ring, math.max(requests_out, tokens_out))
  code = tokens_out > requests_out and TOKENS or REQUESTS
end

if not looking then
  local over_requests = ring.requests + requests > rpm
  if not over_requests and bound > 0 and ring.tokens + ring.caution_before + ring.caution_now + bound > tpm then
    code = WEIGH
  elseif over_requests or ring.tokens + tokens > tpm then
    refuse()
  else
    ring.requests, ring.requests_here = ring.requests + requests, ring.requests_here + requests
    ring.tokens, ring.tokens_here = ring.tokens + tokens, ring.tokens_here + tokens
    if bound > 0 then ring.caution_now = ring.caution_now + bound - tokens end
    ring.newest = ring.head
  end
end

local taken = not looking and code == ADMITTED
if taken or (ring.moved and not ring.fresh) then save_ring(ring) end

local reset_ms = 0
if ring.requests > 0 or ring.tokens > 0 then reset_ms = until_out_ms(ring, ring.newest) end
return { code, ring.head, ring.requests, ring.tokens, retry_ms, reset_ms }
