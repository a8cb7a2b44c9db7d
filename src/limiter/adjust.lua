-- Corrects, settles or refunds reservations of one workspace and model, any number of them gathered into one batch. A batch counts once: the
-- sender numbers its batches, sends the next one only after this one was answered, and the number of the last batch is kept beside the ring. So a
-- batch that arrives again (after a lost answer, or a command that was sent twice) changes nothing.
--
-- KEYS[1]  ring of the pair
-- KEYS[2]  mark of this sender for this pair: the number of its last batch
-- ARGV[1]  tick_us    length of a tick, microseconds
-- ARGV[2]  now_us     microseconds since 1970, or 0 for Redis's own clock (only tests give it)
-- ARGV[3]  number     of this batch; each batch has a higher one
-- ARGV[4]  keep_ms    how long the mark is kept: longer than any batch is retried
-- ARGV[5]  debt       tokens that were used beyond the reservations: they count now
-- ARGV[6…] tick, requests, tokens: changes to the slot of a tick, three numbers each. Where the tick has left the window, what a change would
--          give back is dropped, and the tokens that it would add count now
--
-- Returns 1 applied, 0 seen before
local ring_key, mark_key = KEYS[1], KEYS[2]
local tick_us = tonumber(ARGV[1])
local now_us = tonumber(ARGV[2])
local number = tonumber(ARGV[3])
local keep_ms = tonumber(ARGV[4])
local debt = tonumber(ARGV[5])

local last = redis.call('GET', mark_key)
if last and tonumber(last) >= number then return 0 end
redis.call('SET', mark_key, ARGV[3], 'PX', keep_ms)

local ring = load_ring(ring_key, tick_us, now_us)
local changed = false

-- A slot never falls below zero: after a failover that lost a reservation, there is nothing to give back.
local function within(value) return math.max(0, math.min(MOST, value)) end

for at = 6, #ARGV, 3 do
  local tick, requests, tokens = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  if tick > ring.head or tick <= ring.head - SLOTS then
    debt = debt + math.max(0, tokens)
  elseif not ring.fresh then
    local old_requests, old_tokens = ring.requests_here, ring.tokens_here
    local bytes = ''
    if tick ~= ring.head then
      bytes = range_of(ring_key, tick % SLOTS, 1)
      old_requests, old_tokens = 0, 0
      if #bytes == SLOT then old_requests, old_tokens = struct.unpack(PAIR, bytes) end
    end
    local new_requests, new_tokens = within(old_requests + requests), within(old_tokens + tokens)
    if tick == ring.head then
      ring.requests_here, ring.tokens_here = new_requests, new_tokens
    else
      redis.call('SETRANGE', ring_key, HEADER + (tick % SLOTS) * SLOT, struct.pack(PAIR, new_requests, new_tokens))
    end
    ring.requests, ring.tokens = ring.requests + new_requests - old_requests, ring.tokens + new_tokens - old_tokens
    changed = true
  end
end

if debt > 0 then
  local here = within(ring.tokens_here + debt)
  ring.tokens, ring.tokens_here, ring.newest = ring.tokens + here - ring.tokens_here, here, ring.head
  changed = true
end
if changed or (ring.moved and not ring.fresh) then save_ring(ring) end
return 1
