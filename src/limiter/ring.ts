/**
 * Two sliding windows, one of requests and one of tokens, with running totals. Each has 601 slots; a slot is a 600th of the window (100 ms of a minute). It is the
 * same algorithm as `ring.lua`, `reserve.lua` and `adjust.lua`. The newest and the oldest slot both count whole. So, with 601 slots, no span as long as the window
 * has more than the limit, wherever it begins; in return, a slot leaves the window up to one tick late.
 */
import { type Adjustment, CODE, type StoreAnswer, type StoreAsk } from "./store.ts";

const SLOTS = 601;
/** The most that a slot can hold: 32 bits. */
const MOST = 4_294_967_295;
/** The length of a period of caution: half a second of a minute. See `#cautionNow`. */
const CAUTION_TICKS = 5;

export class Ring {
  readonly #tickUs: number;
  readonly #slotRequests = new Uint32Array(SLOTS);
  readonly #slotTokens = new Uint32Array(SLOTS);
  /** The newest tick. It never moves back. */
  #head: number;
  /** The ticks by which the clock has stepped back so far. */
  #lag = 0;
  #requests = 0;
  #tokens = 0;
  /** Bounds minus guesses of the reservations by a guess: in the last whole period of caution, and in the present one. Each may still need that many tokens more. */
  #cautionBefore = 0;
  #cautionNow = 0;
  /** The tick of the last addition. */
  #newest: number;

  /** @param nowUs - Microseconds since 1970, here and below. */
  constructor(tickUs: number, nowUs: number) {
    this.#tickUs = tickUs;
    this.#head = Math.floor(nowUs / tickUs);
    this.#newest = this.#head;
  }

  reserve(ask: StoreAsk, nowUs: number): StoreAnswer {
    this.#advance(nowUs);
    const tpm = Math.min(ask.tpm, MOST);
    const looking = ask.requests === 0 && ask.tokens === 0;
    if (looking) return this.#answer(CODE.admitted, 0, nowUs);
    const overRequests = this.#requests + ask.requests > ask.rpm;
    if (!overRequests && ask.bound > 0 && this.#tokens + this.#cautionBefore + this.#cautionNow + ask.bound > tpm) {
      return this.#answer(CODE.weigh, 0, nowUs);
    }
    if (overRequests || this.#tokens + ask.tokens > tpm) return this.#refuse(ask, tpm, nowUs);
    const slot = this.#head % SLOTS;
    this.#add(slot, ask.requests, ask.tokens);
    if (ask.bound > 0) this.#cautionNow += ask.bound - ask.tokens;
    this.#newest = this.#head;
    return this.#answer(CODE.admitted, 0, nowUs);
  }

  adjust(adjustment: Adjustment, nowUs: number): void {
    this.#advance(nowUs);
    let { debt } = adjustment;
    if (adjustment.tick > this.#head || adjustment.tick <= this.#head - SLOTS) debt += Math.max(0, adjustment.tokens);
    else this.#add(adjustment.tick % SLOTS, adjustment.requests, adjustment.tokens);
    if (debt > 0) {
      this.#add(this.#head % SLOTS, 0, debt);
      this.#newest = this.#head;
    }
  }

  /** True when everything has left the windows. */
  isEmpty(nowUs: number): boolean {
    this.#advance(nowUs);
    return this.#requests === 0 && this.#tokens === 0;
  }

  /**
   * Moves the ring to the present tick, and drops the slots that have left the window. When the clock was set back, the ring's time stops for up to two ticks, and then
   * continues from there at its usual pace. It stops because it is not known how much of the tick had passed, and a slot must not leave too early.
   */
  #advance(nowUs: number): void {
    const clock = Math.floor(nowUs / this.#tickUs);
    const now = clock + this.#lag;
    if (now <= this.#head) {
      if (now < this.#head - 1) this.#lag = this.#head - 1 - clock;
      return;
    }
    if (now - this.#head >= SLOTS) {
      this.#slotRequests.fill(0);
      this.#slotTokens.fill(0);
      this.#requests = 0;
      this.#tokens = 0;
    } else if (this.#requests > 0 || this.#tokens > 0) {
      for (let tick = this.#head + 1; tick <= now; tick++) {
        const slot = tick % SLOTS;
        this.#requests -= this.#slotRequests[slot] ?? 0;
        this.#tokens -= this.#slotTokens[slot] ?? 0;
        this.#slotRequests[slot] = 0;
        this.#slotTokens[slot] = 0;
      }
    }
    const turns = Math.floor(now / CAUTION_TICKS) - Math.floor(this.#head / CAUTION_TICKS);
    if (turns > 0) {
      this.#cautionBefore = turns === 1 ? this.#cautionNow : 0;
      this.#cautionNow = 0;
    }
    this.#head = now;
  }

  #add(slot: number, requests: number, tokens: number): void {
    const oldRequests = this.#slotRequests[slot] ?? 0;
    const oldTokens = this.#slotTokens[slot] ?? 0;
    const newRequests = Math.max(0, Math.min(MOST, oldRequests + requests));
    const newTokens = Math.max(0, Math.min(MOST, oldTokens + tokens));
    this.#slotRequests[slot] = newRequests;
    this.#slotTokens[slot] = newTokens;
    this.#requests += newRequests - oldRequests;
    this.#tokens += newTokens - oldTokens;
  }

  /** Finds when the ask would pass: looks from the oldest slot on, until enough slots have left. */
  #refuse(ask: StoreAsk, tpm: number, nowUs: number): StoreAnswer {
    let spareRequests = ask.rpm - ask.requests - this.#requests;
    let spareTokens = tpm - ask.tokens - this.#tokens;
    const first = this.#head - SLOTS + 1;
    let requestsOut = spareRequests >= 0 ? first - 1 : undefined;
    let tokensOut = spareTokens >= 0 ? first - 1 : undefined;
    for (let tick = first; tick < this.#head && (requestsOut === undefined || tokensOut === undefined); tick++) {
      spareRequests += this.#slotRequests[tick % SLOTS] ?? 0;
      spareTokens += this.#slotTokens[tick % SLOTS] ?? 0;
      if (requestsOut === undefined && spareRequests >= 0) requestsOut = tick;
      if (tokensOut === undefined && spareTokens >= 0) tokensOut = tick;
    }
    requestsOut ??= this.#head;
    tokensOut ??= this.#head;
    const code = tokensOut > requestsOut ? CODE.tokens : CODE.requests;
    return this.#answer(code, this.#untilOutMs(Math.max(requestsOut, tokensOut), nowUs), nowUs);
  }

  #answer(code: number, retryMs: number, nowUs: number): StoreAnswer {
    const empty = this.#requests === 0 && this.#tokens === 0;
    const resetMs = empty ? 0 : this.#untilOutMs(this.#newest, nowUs);
    return { code, tick: this.#head, requests: this.#requests, tokens: this.#tokens, retryMs, resetMs };
  }

  /** Milliseconds until the slot of `tick` leaves the window, rounded up. */
  #untilOutMs(tick: number, nowUs: number): number {
    return Math.ceil(((tick + SLOTS - this.#lag) * this.#tickUs - nowUs) / 1000);
  }
}
