/**
 * Two sliding windows, requests and tokens, as 601 slots of a 600th of the window each (100 ms of a minute), with running totals: the same
 * algorithm as `ring.lua`, `reserve.lua` and `adjust.lua`. The 601st slot is what makes slots safe: the newest and the oldest both count
 * whole, so no span of one window's length, wherever it begins, holds more than the limit; in return a slot leaves up to one tick late.
 */
import { type Adjustment, CODE, type StoreAnswer, type StoreAsk } from "./store.ts";

const SLOTS = 601;
/** A slot's 32 bits. */
const MOST = 4_294_967_295;
/** Half a second of a minute: how long the bound of a one-trip reservation counts with those that would join it. */
const CAUTION_TICKS = 5;

export class Ring {
  readonly #tickUs: number;
  readonly #slotRequests = new Uint32Array(SLOTS);
  readonly #slotTokens = new Uint32Array(SLOTS);
  /** Newest tick; never moves back. */
  #head: number;
  /** Ticks that the clock has stepped back so far. */
  #lag = 0;
  #requests = 0;
  #tokens = 0;
  #cautionBefore = 0;
  #cautionNow = 0;
  /** Tick of the last addition. */
  #newest: number;

  /** @param nowUs microseconds since 1970, here and below */
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

  /** True once everything has slid out. */
  isEmpty(nowUs: number): boolean {
    this.#advance(nowUs);
    return this.#requests === 0 && this.#tokens === 0;
  }

  /**
   * Drops the slots that are older than the window. When the clock has been set back, the ring does not move: its time stops for up to two ticks and then goes on from where
   * it was, at its own pace. (It stops, because how much of the tick had passed is not known, and time that runs ahead would let a slot out
   * too early.)
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

  /** Walks from the oldest slot until enough has slid out. */
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

  /** Until the slot of `tick` slides out, rounded up. */
  #untilOutMs(tick: number, nowUs: number): number {
    return Math.ceil(((tick + SLOTS - this.#lag) * this.#tickUs - nowUs) / 1000);
  }
}
