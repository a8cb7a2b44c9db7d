-- The two sliding windows of one workspace and model, as one packed string. redis.ts puts this file before reserve.lua and before adjust.lua.
-- ring.ts is the same algorithm in memory. docs/limits.md has a picture, and the bound of the error.
--
-- header, 9 big-endian doubles (72 bytes):
--   head                the newest tick (a tick is 1/600 of the window: 100 ms); it never moves back
--   lag                 ticks to add to Redis's clock: by how many the clock has stepped back so far
--   requests, tokens    totals over the window: ticks head - 600 .. head
--   requests_here, tokens_here   the counts of tick `head`; they are written to its slot when head moves
--   caution_before, caution_now  bounds minus guesses of the reservations by a guess, in the last whole half second and in the present one
--   newest              the tick of the last addition
-- slots: 601 x (requests, tokens), big-endian 32-bit; the slot of a tick is tick % 601. A slot that was never written reads as zero.
local SLOTS, HEADER, SLOT, MOST = 601, 72, 8, 4294967295
local FORMAT, PAIR = '>ddddddddd', '>I4I4'
local CAUTION_TICKS = 5

local function range_of(key, slot, count)
  return redis.call('GETRANGE', key, HEADER + slot * SLOT, HEADER + (slot + count) * SLOT - 1)
end

-- Calls visit(index, requests, tokens) for each slot of `bytes` that is not empty, until it returns true. The pattern matcher skips empty slots,
-- so the cost depends on the number of used slots, and not on the time that has passed.
local function each_slot(bytes, visit)
  local at = string.find(bytes, '[^%z]')
  while at do
    local index = math.floor((at - 1) / SLOT)
    local requests, tokens = struct.unpack(PAIR, bytes, index * SLOT + 1)
    if visit(index, requests, tokens) then return true end
    at = string.find(bytes, '[^%z]', (index + 1) * SLOT + 1)
  end
  return false
end

-- Calls visit(tick, requests, tokens) for the used slots of ticks first .. first + count - 1, oldest first, until it returns true.
local function each_tick(key, first, count, visit)
  while count > 0 do
    local slot = first % SLOTS
    local run = math.min(count, SLOTS - slot, 128)
    local from = first
    if each_slot(range_of(key, slot, run), function(index, requests, tokens) return visit(from + index, requests, tokens) end) then return end
    first, count = first + run, count - run
  end
end

-- Moves the ring to tick `now`: drops what has left the window, and writes the slot of the old head.
local function advance(ring, now)
  local key, gap = ring.key, now - ring.head
  if gap >= SLOTS then
    redis.call('DEL', key)
    ring.requests, ring.tokens = 0, 0
  else
    local emptied = false
    if ring.requests ~= ring.requests_here or ring.tokens ~= ring.tokens_here then
      each_tick(key, ring.head + 1, gap, function(_, requests, tokens)
        ring.requests, ring.tokens = ring.requests - requests, ring.tokens - tokens
        emptied = true
      end)
    end
    local used = ring.requests_here ~= 0 or ring.tokens_here ~= 0
    if used or emptied then
      local bytes = struct.pack(PAIR, ring.requests_here, ring.tokens_here)
      if emptied then bytes = bytes .. string.rep('\0', gap * SLOT) end
      local slot = ring.head % SLOTS
      local room = (SLOTS - slot) * SLOT
      redis.call('SETRANGE', key, HEADER + slot * SLOT, string.sub(bytes, 1, room))
      if #bytes > room then redis.call('SETRANGE', key, HEADER, string.sub(bytes, room + 1)) end
    end
  end
  local turns = math.floor(now / CAUTION_TICKS) - math.floor(ring.head / CAUTION_TICKS)
  if turns == 1 then
    ring.caution_before, ring.caution_now = ring.caution_now, 0
  elseif turns > 1 then
    ring.caution_before, ring.caution_now = 0, 0
  end
  ring.requests_here, ring.tokens_here = 0, 0
  ring.head, ring.moved = now, true
end

-- The ring of `key`, brought up to date. now_us = 0 asks Redis for the time.
local function load_ring(key, tick_us, now_us)
  if now_us == 0 then
    local time = redis.call('TIME')
    now_us = time[1] * 1000000 + time[2]
  end
  local clock = math.floor(now_us / tick_us)
  local ring = { key = key, tick_us = tick_us, now_us = now_us, head = clock, lag = 0, requests = 0, tokens = 0, requests_here = 0,
    tokens_here = 0, caution_before = 0, caution_now = 0, newest = clock, moved = true, fresh = true }
  local header = redis.call('GETRANGE', key, 0, HEADER - 1)
  if #header == HEADER then
    ring.head, ring.lag, ring.requests, ring.tokens, ring.requests_here, ring.tokens_here, ring.caution_before, ring.caution_now, ring.newest =
      struct.unpack(FORMAT, header)
    ring.moved, ring.fresh = false, false
    local now = clock + ring.lag
    if now < ring.head - 1 then
      -- The clock has stepped back: the ring's time stops for up to two ticks, and then continues from there at its usual pace. It stops because it
      -- is not known how much of the tick had passed, and a slot must not leave the window too early.
      ring.lag, ring.moved = ring.head - 1 - clock, true
    elseif now > ring.head then
      advance(ring, now)
    end
  end
  return ring
end

local function save_ring(ring)
  redis.call('SETRANGE', ring.key, 0, struct.pack(FORMAT, ring.head, ring.lag, ring.requests, ring.tokens, ring.requests_here, ring.tokens_here,
    ring.caution_before, ring.caution_now, ring.newest))
  -- The lifetime is renewed when head moves. Before it ends, everything in the ring has left the window.
  if ring.moved then redis.call('PEXPIRE', ring.key, math.ceil((SLOTS + 1) * ring.tick_us / 1000)) end
end

-- Milliseconds until the slot of `tick` leaves the window, rounded up.
local function until_out_ms(ring, tick)
  return math.ceil(((tick + SLOTS - ring.lag) * ring.tick_us - ring.now_us) / 1000)
end
