-- Takes requests and tokens from both windows of a workspace and model, or nothing from either; for any number of asks, which are answered in their
-- order, as if each had come alone. It is atomic. An ask costs the same time always, except for the slots that leave the window, and for a refusal,
-- which looks at up to 601 slots to say when to try again.
--
-- KEYS[i]  rings of the pairs, each once (in a cluster a command has only one)
-- ARGV[1]  tick_us    length of a tick, microseconds
-- ARGV[2]  now_us     microseconds since 1970, or 0 for Redis's own clock (only tests give it)
-- ARGV[3]  the asks, as one text of numbers with blanks between (one argument costs the client less than a hundred), six numbers each:
--          ring       index into KEYS
--          rpm        most requests in any window
--          tpm        most tokens in any window
--          requests   to take: 1; or 0, with 0 tokens, only to read the windows
--          tokens     to take
--          bound      0 where `tokens` comes from an estimate; where it is a guess, the most tokens that the call can need
--
-- Returns one text, which costs the client less to read than a hundred numbers one by one: for each ask six numbers, with blanks between
--   code tick requests_used tokens_used retry_ms reset_ms
--   code 0 admitted   the used figures include this reservation; `tick` is the tick in which it was counted
--        1 requests   refused by the requests, nothing taken; after retry_ms it would pass, if no other call takes from the windows
--        2 tokens     the same by the tokens
--        3 weigh      no room for `bound`, nothing taken: ask again with an estimate
--   reset_ms          until both windows are empty, if no other call takes from them
local ADMITTED, REQUESTS, TOKENS, WEIGH = 0, 1, 2, 3

local tick_us = tonumber(ARGV[1])
local now_us = tonumber(ARGV[2])

-- Which window refuses an ask, and after how many milliseconds the ask would pass.
local function refuse(ring, rpm, tpm, requests, tokens)
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
  each_tick(ring.key, ring.head - SLOTS + 1, SLOTS - 1, visit)
  requests_out, tokens_out = requests_out or ring.head, tokens_out or ring.head
  return tokens_out > requests_out and TOKENS or REQUESTS, until_out_ms(ring, math.max(requests_out, tokens_out))
end

local function reserve(ring, rpm, tpm, requests, tokens, bound)
  local looking = requests == 0 and tokens == 0
  local code, retry_ms = ADMITTED, 0
  if not looking then
    local over_requests = ring.requests + requests > rpm
    if not over_requests and bound > 0 and ring.tokens + ring.caution_before + ring.caution_now + bound > tpm then
      code = WEIGH
    elseif over_requests or ring.tokens + tokens > tpm then
      -- Calls at a limit often ask for the same, and get the same answer as long as nothing is taken.
      local same = ring.refused
      if not (same and same[1] == rpm and same[2] == tpm and same[3] == requests and same[4] == tokens) then
        same = { rpm, tpm, requests, tokens, refuse(ring, rpm, tpm, requests, tokens) }
        ring.refused = same
      end
      code, retry_ms = same[5], same[6]
    else
      ring.requests, ring.requests_here = ring.requests + requests, ring.requests_here + requests
      ring.tokens, ring.tokens_here = ring.tokens + tokens, ring.tokens_here + tokens
      if bound > 0 then ring.caution_now = ring.caution_now + bound - tokens end
      ring.newest, ring.taken, ring.refused = ring.head, true, nil
    end
  end
  local reset_ms = 0
  if ring.requests > 0 or ring.tokens > 0 then reset_ms = until_out_ms(ring, ring.newest) end
  return string.format('%d %.0f %.0f %.0f %d %d', code, ring.head, ring.requests, ring.tokens, retry_ms, reset_ms)
end

local rings, answers = {}, {}
for index, rpm, tpm, requests, tokens, bound in string.gmatch(ARGV[3], '(%S+) (%S+) (%S+) (%S+) (%S+) (%S+)') do
  index = tonumber(index)
  local ring = rings[index]
  if not ring then
    ring = load_ring(KEYS[index], tick_us, now_us)
    rings[index] = ring
  end
  answers[#answers + 1] = reserve(ring, tonumber(rpm), math.min(tonumber(tpm), MOST), tonumber(requests), tonumber(tokens), tonumber(bound))
end
for _, ring in pairs(rings) do
  if ring.taken or (ring.moved and not ring.fresh) then save_ring(ring) end
end
return table.concat(answers, ' ')
