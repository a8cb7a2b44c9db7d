/** The exam of `LimiterStore`: every store must pass it, by a clock that the exam sets. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { CODE, type LimiterStore, type StoreAnswer, type StoreAsk } from "../../../src/limiter/store.ts";

export interface Candidate {
  store: LimiterStore;
  /** Ends the server behind the store, where it has one. */
  end(): Promise<void>;
}

/** Microseconds since 1970; the exam moves it. */
export class Clock {
  us = 1_790_000_000_000_000;

  readonly read = (): number => this.us;

  ms(ms: number): void {
    this.us += ms * 1000;
  }
}

/** A question to the store, with default limits where the test sets no others. */
export function ask(key: string, change: Partial<StoreAsk> = {}): StoreAsk {
  return { key, rpm: 500, tpm: 60_000, requests: 1, tokens: 100, bound: 0, ...change };
}

export function examine(name: string, open: (clock: Clock) => Promise<Candidate>): void {
  describe(`the ${name} store`, () => {
    const clock = new Clock();
    let candidate: Candidate;
    let store: LimiterStore;
    let exercise = 0;
    let key = "";

    beforeAll(async () => {
      candidate = await open(clock);
      store = candidate.store;
    });
    afterAll(async () => {
      await store.close();
      await candidate.end();
    });
    beforeEach(() => {
      key = `exam/${++exercise}`;
      // Each exercise begins at the start of a tick.
      clock.us = (Math.floor(clock.us / 100_000) + 10_000) * 100_000;
    });

    const reserve = async (change: Partial<StoreAsk> = {}): Promise<StoreAnswer> => store.reserve(ask(key, change));
    const look = (): Promise<StoreAnswer> => reserve({ requests: 0, tokens: 0 });
    const adjust = async (tick: number, change: { requests?: number; tokens?: number; debt?: number }): Promise<void> => {
      store.adjust({ key, tick, requests: 0, tokens: 0, debt: 0, ...change });
      await store.flush();
    };

    test("an admitted reservation counts in both windows", async () => {
      expect(await reserve({ tokens: 700 })).toMatchObject({ code: CODE.admitted, requests: 1, tokens: 700 });
      expect(await reserve({ tokens: 50 })).toMatchObject({ code: CODE.admitted, requests: 2, tokens: 750 });
    });

    test("to read the windows takes nothing", async () => {
      expect(await look()).toMatchObject({ code: CODE.admitted, requests: 0, tokens: 0, resetMs: 0 });
      await reserve();
      expect(await look()).toMatchObject({ requests: 1, tokens: 100 });
      expect(await look()).toMatchObject({ requests: 1, tokens: 100 });
    });

    test("pairs do not share windows", async () => {
      await reserve();
      expect(await store.reserve(ask(`${key}-other`))).toMatchObject({ requests: 1, tokens: 100 });
    });

    test("the request beyond the limit is refused and takes nothing", async () => {
      for (let n = 0; n < 3; n++) expect((await reserve({ rpm: 3 })).code).toBe(CODE.admitted);
      expect(await reserve({ rpm: 3 })).toMatchObject({ code: CODE.requests, requests: 3, tokens: 300 });
      expect(await look()).toMatchObject({ requests: 3, tokens: 300 });
    });

    test("the token beyond the limit is refused and takes no request either", async () => {
      await reserve({ tpm: 1000, tokens: 950 });
      expect(await reserve({ tpm: 1000, tokens: 51 })).toMatchObject({ code: CODE.tokens, requests: 1, tokens: 950 });
      expect(await reserve({ tpm: 1000, tokens: 50 })).toMatchObject({ code: CODE.admitted, requests: 2, tokens: 1000 });
    });

    test("after the wait that a refusal names a call is admitted, and not a tick earlier", async () => {
      await reserve({ rpm: 2 });
      clock.ms(20_030);
      await reserve({ rpm: 2 });
      clock.ms(7);
      const refused = await reserve({ rpm: 2 });
      expect(refused.code).toBe(CODE.requests);
      expect(refused.retryMs).toBe(60_100 - 20_037);
      clock.ms(refused.retryMs - 1);
      expect((await reserve({ rpm: 2 })).code).toBe(CODE.requests);
      clock.ms(1);
      expect((await reserve({ rpm: 2 })).code).toBe(CODE.admitted);
    });

    test("the wait for tokens is as long as the slots need that must leave", async () => {
      for (let n = 0; n < 10; n++) {
        await reserve({ tpm: 1000, tokens: 100 });
        clock.ms(1000);
      }
      const refused = await reserve({ tpm: 1000, tokens: 250 });
      expect(refused).toMatchObject({ code: CODE.tokens, requests: 10, tokens: 1000 });
      // Three slots must leave; the third is of the tick that began 8 s ago.
      expect(refused.retryMs).toBe(60_100 - 8000);
      clock.ms(refused.retryMs);
      expect((await reserve({ tpm: 1000, tokens: 250 })).code).toBe(CODE.admitted);
    });

    test("where both windows are full, the refusal names the longer wait", async () => {
      await reserve({ rpm: 2, tpm: 1000, tokens: 10 });
      clock.ms(5000);
      await reserve({ rpm: 2, tpm: 1000, tokens: 900 });
      expect(await reserve({ rpm: 2, tpm: 1000, tokens: 500 })).toMatchObject({ code: CODE.tokens, retryMs: 60_100 });
      expect(await reserve({ rpm: 2, tpm: 1000, tokens: 95 })).toMatchObject({ code: CODE.requests, retryMs: 55_100 });
    });

    test("a burst at the edge of a window is not admitted twice", async () => {
      clock.ms(59_950);
      for (let n = 0; n < 5; n++) await reserve({ rpm: 5 });
      clock.ms(59_999);
      expect((await reserve({ rpm: 5 })).code).toBe(CODE.requests);
      clock.ms(151);
      expect(await reserve({ rpm: 5 })).toMatchObject({ code: CODE.admitted, requests: 1 });
    });

    test("a pause longer than the window empties it", async () => {
      for (let n = 0; n < 5; n++) {
        await reserve();
        clock.ms(333);
      }
      clock.ms(3_600_000);
      expect(await reserve({ tokens: 1 })).toMatchObject({ requests: 1, tokens: 1 });
      clock.ms(59_900);
      expect(await look()).toMatchObject({ requests: 1, tokens: 1 });
      clock.ms(200);
      expect(await look()).toMatchObject({ requests: 0, tokens: 0 });
    });

    test("every slot of the ring is used again and again, and nothing of the earlier use is left", async () => {
      for (let n = 0; n < 130; n++) {
        await reserve({ rpm: 1e6, tpm: 1e9, tokens: n });
        clock.ms(7300);
      }
      clock.ms(60_100);
      expect(await look()).toMatchObject({ requests: 0, tokens: 0 });
    });

    test("settling for less gives the difference back", async () => {
      const { tick } = await reserve({ tokens: 1000 });
      clock.ms(12_345);
      await adjust(tick, { tokens: -600 });
      expect(await look()).toMatchObject({ requests: 1, tokens: 400 });
      clock.ms(60_000);
      expect(await look()).toMatchObject({ requests: 0, tokens: 0 });
    });

    test("a refund gives request and tokens back", async () => {
      const { tick } = await reserve({ tokens: 1000 });
      await reserve({ tokens: 10 });
      await adjust(tick, { requests: -1, tokens: -1000 });
      expect(await look()).toMatchObject({ requests: 1, tokens: 10 });
    });

    test("debt counts from now on, not from the reservation", async () => {
      const { tick } = await reserve({ tokens: 100 });
      clock.ms(50_000);
      await adjust(tick, { debt: 5000 });
      expect(await look()).toMatchObject({ requests: 1, tokens: 5100 });
      clock.ms(10_100);
      expect(await look()).toMatchObject({ requests: 0, tokens: 5000 });
      clock.ms(50_000);
      expect(await look()).toMatchObject({ requests: 0, tokens: 0 });
    });

    test("debt beyond the limit refuses other calls until it has left the window", async () => {
      const { tick } = await reserve({ tpm: 1000, tokens: 500 });
      await adjust(tick, { debt: 4000 });
      const refused = await reserve({ tpm: 1000, tokens: 1 });
      expect(refused).toMatchObject({ code: CODE.tokens, tokens: 4500 });
      clock.ms(refused.retryMs);
      expect((await reserve({ tpm: 1000, tokens: 1 })).code).toBe(CODE.admitted);
    });

    test("to give back what has left the window changes nothing", async () => {
      const { tick } = await reserve({ tokens: 1000 });
      clock.ms(60_100);
      await reserve({ tokens: 7 });
      await adjust(tick, { requests: -1, tokens: -1000 });
      expect(await look()).toMatchObject({ requests: 1, tokens: 7 });
    });

    test("to give back to windows that do not exist makes none", async () => {
      await adjust(Math.floor(clock.us / 100_000), { requests: -1, tokens: -1000 });
      expect(await look()).toMatchObject({ requests: 0, tokens: 0, resetMs: 0 });
    });

    test("debt of a call that outlived its window still counts", async () => {
      const { tick } = await reserve({ tokens: 10 });
      clock.ms(300_000);
      await adjust(tick, { debt: 900 });
      expect(await look()).toMatchObject({ requests: 0, tokens: 900 });
    });

    test("a correction upwards counts in the tick of the reservation", async () => {
      const { tick } = await reserve({ tokens: 100 });
      clock.ms(200);
      await adjust(tick, { tokens: 50 });
      expect(await look()).toMatchObject({ requests: 1, tokens: 150 });
      clock.ms(59_900);
      expect(await look()).toMatchObject({ requests: 0, tokens: 0 });
    });

    test("a correction upwards of a reservation that has left the window counts now", async () => {
      const { tick } = await reserve({ tokens: 100 });
      clock.ms(60_100);
      await adjust(tick, { tokens: 50 });
      expect(await look()).toMatchObject({ requests: 0, tokens: 50 });
    });

    test("many changes at once are all applied", async () => {
      const ticks: number[] = [];
      for (let n = 0; n < 50; n++) {
        ticks.push((await reserve({ tokens: 100 })).tick);
        clock.ms(170);
      }
      for (const tick of ticks) store.adjust({ key, tick, requests: 0, tokens: -40, debt: 1 });
      await store.flush();
      expect(await look()).toMatchObject({ requests: 50, tokens: 50 * 60 + 50 });
    });

    test("a clock that steps back does not move the window back, and time goes on at its own pace", async () => {
      await reserve({ rpm: 1 });
      clock.ms(-3_600_000);
      const refused = await reserve({ rpm: 1 });
      expect(refused).toMatchObject({ code: CODE.requests, retryMs: 60_200 });
      clock.ms(refused.retryMs - 1);
      expect((await reserve({ rpm: 1 })).code).toBe(CODE.requests);
      clock.ms(1);
      expect((await reserve({ rpm: 1 })).code).toBe(CODE.admitted);
    });

    test("a guess is reserved where there is room for its bound, and for a moment the bound leaves less room for other guesses", async () => {
      expect(await reserve({ tpm: 1000, tokens: 50, bound: 600 })).toMatchObject({ code: CODE.admitted, tokens: 50 });
      expect(await reserve({ tpm: 1000, tokens: 50, bound: 600 })).toMatchObject({ code: CODE.weigh, requests: 1, tokens: 50 });
      expect((await reserve({ tpm: 1000, tokens: 600 })).code).toBe(CODE.admitted);
      clock.ms(1000);
      expect((await reserve({ tpm: 1000, tokens: 50, bound: 350 })).code).toBe(CODE.admitted);
    });

    test("a guess beyond the requests is refused without being weighed", async () => {
      await reserve({ rpm: 1 });
      expect(await reserve({ rpm: 1, tokens: 10, bound: 70_000 })).toMatchObject({ code: CODE.requests });
    });

    test("the answer says when the windows will be empty", async () => {
      expect((await reserve()).resetMs).toBe(60_100);
      clock.ms(40_000);
      expect((await look()).resetMs).toBe(20_100);
    });

    test("limits far above the usual ones are kept exactly", async () => {
      for (let n = 0; n < 3; n++) await reserve({ rpm: 1e6, tpm: 4e9, tokens: 1_300_000_000 });
      expect(await reserve({ rpm: 1e6, tpm: 4e9, tokens: 100_000_001 })).toMatchObject({ code: CODE.tokens, tokens: 3_900_000_000 });
      expect(await reserve({ rpm: 1e6, tpm: 4e9, tokens: 100_000_000 })).toMatchObject({ code: CODE.admitted, tokens: 4_000_000_000 });
    });

    test("a slot takes no more than it can hold", async () => {
      const { tick } = await reserve({ tokens: 4_000_000_000, tpm: 4e9 });
      await adjust(tick, { debt: 4_000_000_000 });
      expect(await look()).toMatchObject({ tokens: 4_294_967_295 });
      clock.ms(60_100);
      expect(await look()).toMatchObject({ requests: 0, tokens: 0 });
    });

    test("its probe proves that it works", async () => {
      await store.probe();
    });
  });
}
