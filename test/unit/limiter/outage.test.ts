/** Redis is stopped, continued, killed and started again under load, with one limiter for each policy. */
import { expect, test } from "bun:test";
import { openLimiter } from "../../../src/limiter/index.ts";
import type { Limiter, Policy } from "../../../src/limiter/limiter.ts";
import { haveRedis, startRedis } from "../../support/redis.ts";
import { pause } from "../../support/waits.ts";
import { settings } from "./fixture.ts";

const TIMEOUT_MS = 50;
/** How late a timer may be on a machine with two busy cores. */
const SLACK_MS = 100;
const CALLERS = 8;

class Load {
  readonly policy: Policy;
  readonly limiter: Limiter;
  readonly changes: string[] = [];
  readonly failures = new Set<string>();
  started = 0;
  ended = 0;
  longestMs = 0;
  outcomes: Record<string, number> = {};
  #running = true;
  readonly #callers: Promise<void>[];

  constructor(url: string, policy: Policy) {
    this.policy = policy;
    this.limiter = openLimiter({
      redis: settings(url, { onFailure: policy, timeoutMs: TIMEOUT_MS }),
      onState: (state, before) => this.changes.push(`${before} → ${state}`),
      onFailure: (kind) => this.failures.add(kind),
    });
    this.#callers = Array.from({ length: CALLERS }, () => this.#call());
  }

  /** Outcomes since the last call of this. */
  take(): Record<string, number> {
    const { outcomes } = this;
    this.outcomes = {};
    return outcomes;
  }

  async until(state: string): Promise<void> {
    const untilMs = performance.now() + 8000;
    while (this.limiter.state !== state) {
      if (performance.now() > untilMs)
        throw new Error(`${this.policy} is still ${this.limiter.state}, not ${state}: ${this.limiter.ready().detail}`);
      await pause(5);
    }
  }

  async end(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#callers);
    await this.limiter.close();
  }

  async #call(): Promise<void> {
    while (this.#running) {
      this.started++;
      const beganMs = performance.now();
      const decision = await this.limiter.reserve({
        workspace: "w",
        model: this.policy,
        window: "calls",
        rpm: 1e6,
        tpm: 1e9,
        input: 100,
        bound: undefined,
        output: 256,
      });
      this.longestMs = Math.max(this.longestMs, performance.now() - beganMs);
      this.ended++;
      this.outcomes[decision.outcome] = (this.outcomes[decision.outcome] ?? 0) + 1;
      await pause(2);
      if (decision.outcome === "admitted") this.limiter.settle(decision.reservation, 120);
    }
  }
}

test.skipIf(!haveRedis)(
  "with Redis frozen, killed and started again under load no call waits longer than the deadline, none is lost, and all come back by themselves",
  async () => {
    const server = await startRedis();
    const loads = (["local", "closed", "open"] as const).map((policy) => new Load(server.url, policy));
    const all = async (state?: string): Promise<void> => {
      for (const load of loads) await load.until(state ?? load.policy);
    };
    await all("redis");
    await pause(200);
    for (const load of loads) load.take();

    server.freeze();
    await all();
    for (const load of loads) load.take();
    await pause(300);
    for (const load of loads) expect(Object.keys(load.take())).toEqual([load.policy === "closed" ? "unavailable" : "admitted"]);
    server.thaw();
    await all("redis");

    await pause(200);
    for (const load of loads) load.take();
    await server.kill();
    await all();
    for (const load of loads) load.take();
    await pause(300);
    for (const load of loads) expect(Object.keys(load.take())).toEqual([load.policy === "closed" ? "unavailable" : "admitted"]);
    await server.start();
    await all("redis");
    for (const load of loads) load.take();
    await pause(200);

    for (const load of loads) {
      expect(Object.keys(load.take())).toEqual(["admitted"]);
      // Redis holds what it was sent: the settled calls since it came back, and the open ones.
      await load.end();
      expect(load.ended).toBe(load.started);
      expect(load.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS);
      const { policy } = load;
      expect(load.changes).toEqual([
        `${policy} → redis`,
        `redis → ${policy}`,
        `${policy} → redis`,
        `redis → ${policy}`,
        `${policy} → redis`,
      ]);
      expect([...load.failures]).toContain("timeout");
      expect([...load.failures]).toContain("connection");
    }
    console.info(`outage: longest wait ${Math.max(...loads.map((load) => load.longestMs)).toFixed(0)} ms of ${TIMEOUT_MS}`);
    await server.stop();
  },
  30_000,
);

test.skipIf(!haveRedis)(
  "settlements of an outage are delivered after it, each once",
  async () => {
    const server = await startRedis();
    const limiter = openLimiter({ redis: settings(server.url, { onFailure: "open" }) });
    await limiter.contact(2000);
    const ask = { workspace: "w", model: "m", window: "calls" as const, rpm: 1000, tpm: 1e6, input: 1000, bound: undefined, output: 0 };
    const decisions = await Promise.all(Array.from({ length: 50 }, () => limiter.reserve(ask)));
    server.freeze();
    for (const decision of decisions) if (decision.outcome === "admitted") limiter.settle(decision.reservation, 300);
    // Sent, and not answered: the batch is on its way, and will arrive twice.
    await pause(700);
    server.thaw();
    const untilMs = performance.now() + 5000;
    let tokens = 0;
    while (tokens !== 50 * 300 && performance.now() < untilMs) {
      await pause(50);
      tokens = (await limiter.usage("w", "m", 1000, 1e6))?.tokens.used ?? 0;
    }
    expect(await limiter.usage("w", "m", 1000, 1e6)).toMatchObject({ requests: { used: 50 }, tokens: { used: 15_000 } });
    await pause(600);
    expect((await limiter.usage("w", "m", 1000, 1e6))?.tokens.used).toBe(15_000);
    await limiter.close();
    await server.stop();
  },
  20_000,
);
