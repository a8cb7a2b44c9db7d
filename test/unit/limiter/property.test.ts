/**
 * Random histories of calls, for both stores and for a log that keeps everything. Checked at every step:
 *   never over       no 60 seconds of true time, whatever the clock shows, have more admitted calls than either limit
 *   never needless   a call that was refused would also have been refused by the log, 100 ms earlier
 *   truthful         after the wait that a refusal names a call is admitted, and not a millisecond earlier (tokens and requests)
 *   one trip         a call admitted by its guess would have been admitted by its estimate, and so would all that are not corrected yet
 *   alike            memory and Redis give the same answers, field by field
 */
import { describe, expect, test } from "bun:test";
import { MemoryStore } from "../../../src/limiter/memory.ts";
import { RedisStore } from "../../../src/limiter/redis.ts";
import { CODE, type LimiterStore, type StoreAnswer, type StoreAsk } from "../../../src/limiter/store.ts";
import { connectRedis } from "../../../src/redis/connect.ts";
import { haveRedis, startRedis } from "../../support/redis.ts";
import { ask, Clock } from "./exam.ts";
import { connected, randomFrom, settings } from "./fixture.ts";

const WINDOW_US = 60_000_000;
const TICK_US = 100_000;

interface Entry {
  /** True time: never steps back. */
  atUs: number;
  tick: number;
  requests: number;
  /** What the windows count for it now. */
  tokens: number;
  /** The estimate that a worker will report; equal to `tokens` after the report. */
  estimate: number;
  guessed: boolean;
  open: boolean;
}

class History {
  readonly clock = new Clock();
  admitted = 0;
  refused = 0;
  weighed = 0;
  readonly #stores: LimiterStore[];
  readonly #random: () => number;
  readonly #key: string;
  readonly #rpm: number;
  readonly #tpm: number;
  #log: Entry[] = [];
  /** The clock minus true time. */
  #errorUs = 0;
  #stepped = false;
  #steppedAtUs = Number.NEGATIVE_INFINITY;
  #weighBeforeUs = Number.POSITIVE_INFINITY;

  constructor(seed: number, open: (clock: Clock) => LimiterStore[]) {
    this.#stores = open(this.clock);
    this.#random = randomFrom(seed);
    this.#key = `history/${seed}`;
    this.#rpm = this.#whole(2, 20);
    this.#tpm = this.#whole(300, 5000);
  }

  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const dice = this.#random();
      if (dice < 0.55) await this.#reserve();
      else if (dice < 0.72) await this.#end();
      else if (dice < 0.75) await this.#correct();
      else await this.#wait();
    }
  }

  get #trueUs(): number {
    return this.clock.us - this.#errorUs;
  }

  #whole(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  async #ask(change: Partial<StoreAsk>): Promise<StoreAnswer> {
    const answers: StoreAnswer[] = [];
    for (const store of this.#stores) answers.push(await store.reserve(ask(this.#key, { rpm: this.#rpm, tpm: this.#tpm, ...change })));
    const [first, second] = answers;
    if (first === undefined) throw new Error("no store");
    if (second !== undefined) expect(second).toEqual(first);
    return first;
  }

  async #adjust(tick: number, requests: number, tokens: number, debt: number): Promise<void> {
    for (const store of this.#stores) {
      store.adjust({ key: this.#key, tick, requests, tokens, debt });
      await store.flush();
    }
  }

  /** What the window holds that ends now and is `lengthUs` long, its first instant included. */
  #sum(lengthUs: number): { requests: number; tokens: number; estimates: number } {
    const fromUs = this.#trueUs - lengthUs;
    const sum = { requests: 0, tokens: 0, estimates: 0 };
    for (const entry of this.#log) {
      if (entry.atUs < fromUs) continue;
      sum.requests += entry.requests;
      sum.tokens += entry.tokens;
      sum.estimates += Math.max(entry.tokens, entry.estimate);
    }
    return sum;
  }

  async #reserve(): Promise<void> {
    const estimate = this.#random() < 0.05 ? this.#tpm : this.#whole(1, Math.ceil(this.#tpm / 5));
    const guessed = this.#random() < 0.4;
    const bound = guessed ? estimate + this.#whole(0, estimate) : 0;
    const tokens = guessed ? this.#whole(0, Math.min(bound, estimate * 2)) : estimate;
    const answer = await this.#ask({ tokens, bound });
    const before = this.#sum(WINDOW_US);
    if (answer.code === CODE.admitted) {
      this.admitted++;
      if (before.requests + 1 > this.#rpm) throw new Error(`over: request ${before.requests + 1} of ${this.#rpm}`);
      if (before.tokens + tokens > this.#tpm) throw new Error(`over: ${before.tokens} + ${tokens} of ${this.#tpm} tokens`);
      if (guessed) {
        if (before.estimates + estimate > this.#tpm) throw new Error(`by guess: ${before.estimates} + ${estimate} of ${this.#tpm} tokens`);
        this.#weighBeforeUs = Math.min(this.#weighBeforeUs, this.#trueUs + 400_000);
      }
      this.#log.push({ atUs: this.#trueUs, tick: answer.tick, requests: 1, tokens, estimate, guessed, open: true });
      return;
    }
    if (answer.code === CODE.weigh) {
      this.weighed++;
      return;
    }
    this.refused++;
    if (this.#stepped) this.#steppedAtUs = this.#trueUs;
    this.#stepped = false;
    const steadily = this.#trueUs - this.#steppedAtUs > 2 * WINDOW_US;
    const tardy = this.#sum(WINDOW_US + TICK_US);
    if (steadily && tardy.requests + 1 <= this.#rpm && tardy.tokens + tokens <= this.#tpm) {
      throw new Error(`needless: ${tardy.requests + 1} of ${this.#rpm} requests, ${tardy.tokens} + ${tokens} of ${this.#tpm} tokens`);
    }
    if (this.#random() < 0.1 && !guessed) await this.#comeBack(tokens);
  }

  async #comeBack(tokens: number): Promise<void> {
    await this.#weighAll();
    const answer = await this.#ask({ tokens });
    if (answer.code !== CODE.admitted) await this.#waitAsTold(answer, tokens);
    else this.#log.push({ atUs: this.#trueUs, tick: answer.tick, requests: 1, tokens, estimate: tokens, guessed: false, open: true });
  }

  async #waitAsTold(answer: StoreAnswer, tokens: number): Promise<void> {
    this.clock.ms(answer.retryMs - 1);
    const early = await this.#ask({ tokens });
    expect(early.code).not.toBe(CODE.admitted);
    this.clock.ms(1);
    const onTime = await this.#ask({ tokens });
    expect(onTime.code).toBe(CODE.admitted);
    this.#log.push({ atUs: this.#trueUs, tick: onTime.tick, requests: 1, tokens, estimate: tokens, guessed: false, open: true });
  }

  async #end(): Promise<void> {
    const open = this.#log.filter((entry) => entry.open);
    const entry = open[this.#whole(0, open.length - 1)];
    if (entry === undefined) return;
    entry.open = false;
    entry.guessed = false;
    const dice = this.#random();
    if (dice < 0.2) {
      await this.#adjust(entry.tick, -1, -entry.tokens, 0);
      Object.assign(entry, { requests: 0, tokens: 0, estimate: 0 });
      return;
    }
    const used = dice < 0.7 ? this.#whole(0, entry.tokens) : entry.tokens + this.#whole(0, this.#tpm);
    const debt = Math.max(0, used - entry.tokens);
    await this.#adjust(entry.tick, 0, Math.min(0, used - entry.tokens), debt);
    entry.tokens = Math.min(entry.tokens, used);
    entry.estimate = entry.tokens;
    if (debt > 0) this.#log.push({ atUs: this.#trueUs, tick: 0, requests: 0, tokens: debt, estimate: debt, guessed: false, open: false });
  }

  async #correct(): Promise<void> {
    const guess = this.#log.find((entry) => entry.guessed);
    if (guess === undefined) return;
    guess.guessed = false;
    await this.#adjust(guess.tick, 0, guess.estimate - guess.tokens, 0);
    guess.tokens = guess.estimate;
  }

  async #weighAll(): Promise<void> {
    while (this.#log.some((entry) => entry.guessed)) await this.#correct();
    this.#weighBeforeUs = Number.POSITIVE_INFINITY;
  }

  async #wait(): Promise<void> {
    const dice = this.#random();
    let ms = this.#whole(0, 60);
    if (dice > 0.5) ms = this.#whole(0, 3000);
    if (dice > 0.8) ms = this.#whole(0, 20_000);
    // To the edge of a window: just before it, at it, or just after it.
    if (dice > 0.9) ms = 60_000 + this.#whole(-120, 120);
    if (dice > 0.98) ms = this.#whole(0, 7_200_000);
    if (this.#trueUs + ms * 1000 >= this.#weighBeforeUs) await this.#weighAll();
    this.clock.us += ms * 1000 + this.#whole(0, 999);
    if (this.#random() < 0.01) {
      const back = Math.floor(10 ** (this.#random() * 7) * 1000);
      this.clock.us -= back;
      this.#errorUs -= back;
      // The store does not know how much time has passed before a call shows it the new time.
      this.#stepped = true;
    }
    const horizonUs = this.#trueUs - 5 * WINDOW_US;
    if (this.#log.length > 500) this.#log = this.#log.filter((entry) => entry.atUs > horizonUs);
  }
}

describe("random histories", () => {
  test("150 histories of 1,000 steps in memory", async () => {
    const total = { admitted: 0, refused: 0, weighed: 0 };
    for (let seed = 1; seed <= 150; seed++) {
      const history = new History(seed, (clock) => [new MemoryStore({ nowUs: clock.read })]);
      await history.play(1000);
      total.admitted += history.admitted;
      total.refused += history.refused;
      total.weighed += history.weighed;
    }
    // Each kind of end came often enough for its promise to mean something.
    expect(Math.min(total.admitted, total.refused, total.weighed)).toBeGreaterThan(10_000);
  }, 20_000);

  test.skipIf(!haveRedis)(
    "25 histories of 400 steps in memory and in Redis, side by side",
    async () => {
      const server = await startRedis();
      let shown = new Clock();
      const client = await connected(connectRedis(settings(server.url)));
      const redis = new RedisStore({ client, timeoutMs: 5000, nowUs: () => shown.us, gatherMs: 1000 });
      let refused = 0;
      for (let seed = 1; seed <= 25; seed++) {
        const history = new History(seed, (clock) => {
          shown = clock;
          return [new MemoryStore({ nowUs: clock.read }), redis];
        });
        await history.play(400);
        refused += history.refused;
      }
      expect(refused).toBeGreaterThan(500);
      client.disconnect();
      await server.stop();
    },
    20_000,
  );
});
