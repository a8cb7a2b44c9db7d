import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Limiter } from "../../../src/limiter/limiter.ts";
import { MemoryStore } from "../../../src/limiter/memory.ts";
import { CODE, type LimiterStore, pairKey, type StoreAnswer, type StoreAsk } from "../../../src/limiter/store.ts";
import { eventually } from "../../support/waits.ts";
import { anthropic } from "../dialects.ts";
import { header } from "./answers.ts";
import { type InProcess, startInProcess } from "./in-process.ts";

const MODEL = "claude-sonnet-4-5-20250929";
const ALIAS = "claude-sonnet-4-5";
const body = (more: Record<string, unknown> = {}) => anthropic.body("Hello", { model: MODEL, max_tokens: 50, ...more });

describe("with windows of one second", () => {
  const WINDOW_MS = 1_000;
  let gateway: InProcess;
  let nowMs = 0;
  beforeAll(async () => {
    const store = new MemoryStore({ windowMs: WINDOW_MS, nowUs: () => nowMs * 1_000 });
    gateway = await startInProcess(new Limiter({ store }), { rpm: 3 });
  });
  afterAll(() => gateway.stop());

  test("who waits exactly as long as `retry-after-ms` says gets in, and who comes a little earlier does not", async () => {
    for (let nth = 0; nth < 3; nth++) {
      expect((await gateway.open(anthropic, body()).answered).status).toBe(200);
      nowMs += 100;
    }
    const refused = await gateway.open(anthropic, body()).answered;
    expect(refused.status).toBe(429);
    const waitMs = header(refused, "retry-after-ms");
    // The first of them leaves the window then, and a tick later at most.
    expect(waitMs).toBeWithin(WINDOW_MS - 300, WINDOW_MS - 300 + WINDOW_MS / 100);
    nowMs += waitMs - WINDOW_MS / 100;
    expect((await gateway.open(anthropic, body()).answered).status).toBe(429);
    nowMs += WINDOW_MS / 100;
    expect((await gateway.open(anthropic, body()).answered).status).toBe(200);
  });

  test("a model and its alias share their windows", async () => {
    nowMs += WINDOW_MS * 1.01;
    const left: number[] = [];
    for (const model of [MODEL, ALIAS, MODEL])
      left.push(header(await gateway.open(anthropic, body({ model })).answered, "x-ratelimit-remaining-requests"));
    expect(left).toEqual([2, 1, 0]);
    expect((await gateway.open(anthropic, body({ model: ALIAS })).answered).status).toBe(429);
  });
});

/** A memory whose decisions wait until they are let through. */
class GatedStore implements LimiterStore {
  readonly name = "memory";
  readonly memory = new MemoryStore();
  /** Decisions that were asked for, and that were given. */
  asked = 0;
  given = 0;
  #open: () => void = () => {};
  #gate: Promise<void> = Promise.resolve();

  shut(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  letThrough(): void {
    this.#open();
  }

  async reserve(ask: StoreAsk): Promise<StoreAnswer> {
    this.asked++;
    await this.#gate;
    this.given++;
    return this.memory.reserve(ask);
  }

  adjust(adjustment: Parameters<MemoryStore["adjust"]>[0]): void {
    this.memory.adjust(adjustment);
  }

  held(): { requests: number; tokens: number } {
    const looking = { key: pairKey("acme", MODEL), rpm: 1, tpm: 1, requests: 0, tokens: 0, bound: 0 };
    const { code, requests, tokens } = this.memory.reserve(looking);
    expect(code).toBe(CODE.admitted);
    return { requests, tokens };
  }

  async flush(): Promise<void> {}
  async probe(): Promise<void> {}
  async close(): Promise<void> {}
}

describe("with a limiter that takes its time", () => {
  const store = new GatedStore();
  let gateway: InProcess;
  beforeAll(async () => {
    gateway = await startInProcess(new Limiter({ store }), { rpm: 100, tpm: 60_000 });
  });
  afterAll(() => gateway.stop());

  for (const [what, words] of [
    ["a call that is reserved by a guess", 10],
    ["a call that a worker has weighed", 20_000],
  ] as const) {
    test(`${what} and whose client leaves while it is being decided takes nothing, and never goes upstream`, async () => {
      const { asked } = store;
      const cancelled = await gateway.ended("cancelled");
      store.shut();
      const call = gateway.open(anthropic, anthropic.body("weir ".repeat(words), { model: MODEL }));
      await eventually(() => store.asked > asked, "the limiter to be asked");
      call.leave();
      await eventually(async () => (await gateway.ended("cancelled")) > cancelled, "the call to end");
      store.letThrough();
      await eventually(() => store.given > asked, "the decision");
      await eventually(() => store.held().requests === 0, "what was reserved to be given back");
      expect(store.held()).toEqual({ requests: 0, tokens: 0 });
      expect(() => gateway.recorder.last()).toThrow();
    });
  }
});
