/** Redis is stopped, continued, killed and started again under load, with one limiter for each policy. */
import { expect, test } from "bun:test";
import { openLimiter } from "../../../src/limiter/index.ts";
import type { Limiter, Policy } from "../../../src/limiter/limiter.ts";
import { Lateness } from "../../support/clock.ts";
import { haveRedis, startRedis } from "../../support/redis.ts";
import { eventually, pause } from "../../support/waits.ts";
import { settings } from "./fixture.ts";

/** Far more than Redis takes on a busy machine: no call meets the deadline while Redis is there. */
const TIMEOUT_MS = 150;
/** What the machine may add by itself. How late its timers are comes on top of it. */
const SLACK_MS = 100;
const CALLERS = 8;
/** Calls that are looked at, at least. */
const NEXT = 200;

class Load {
  readonly policy: Policy;
  readonly limiter: Limiter;
  readonly changes: string[] = [];
  readonly failures = new Set<string>();
  started = 0;
  ended = 0;
  longestMs = 0;
  /** Those of the calls that began since this list was made. */
  #outcomes: string[] = [];
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

  /** Which outcomes the calls have that begin from now on. */
  async next(): Promise<string[]> {
    const outcomes: string[] = [];
    this.#outcomes = outcomes;
    await eventually(() => outcomes.length >= NEXT, `${NEXT} calls`);
    return [...new Set(outcomes)];
  }

  async until(state: string): Promise<void> {
    const what = () => `${this.policy} is still ${this.limiter.state}, not ${state}: ${this.limiter.ready().detail}`;
    await eventually(() => this.limiter.state === state, what);
  }

  async end(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#callers);
    await this.limiter.close();
  }

  async #call(): Promise<void> {
    while (this.#running) {
      this.started++;
      const outcomes = this.#outcomes;
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
      outcomes.push(decision.outcome);
      await pause(2);
      if (decision.outcome === "admitted") this.limiter.settle(decision.reservation, 120);
    }
  }
}

test.skipIf(!haveRedis)(
  "with Redis frozen, killed and started again under load no call waits longer than the deadline, none is lost, and all come back by themselves",
  async () => {
    const server = await startRedis();
    const lateness = new Lateness();
    const loads = (["local", "closed", "open"] as const).map((policy) => new Load(server.url, policy));
    const all = async (state?: string): Promise<void> => {
      for (const load of loads) await load.until(state ?? load.policy);
    };
    const expectNext = async (isRedisAway: boolean): Promise<void> => {
      const outcomes = await Promise.all(loads.map((load) => load.next()));
      expect(outcomes).toEqual(loads.map(({ policy }) => [isRedisAway && policy === "closed" ? "unavailable" : "admitted"]));
    };
    await all("redis");
    await expectNext(false);
    server.freeze();
    await all();
    await expectNext(true);
    server.thaw();
    await all("redis");
    await expectNext(false);
    await server.kill();
    await all();
    await expectNext(true);
    await server.start();
    await all("redis");
    await expectNext(false);

    for (const load of loads) {
      // Redis holds what it was sent: the settled calls since it came back, and the open ones.
      await load.end();
      expect(load.ended).toBe(load.started);
      expect(load.longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS + lateness.mostMs);
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
    lateness.stop();
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
    const tokens = async () => (await limiter.usage("w", "m", 1000, 1e6))?.tokens.used;
    await eventually(async () => (await tokens()) === 50 * 300, "all settlements to arrive");
    expect(await limiter.usage("w", "m", 1000, 1e6)).toMatchObject({ requests: { used: 50 }, tokens: { used: 15_000 } });
    await pause(600);
    expect(await tokens()).toBe(15_000);
    await limiter.close();
    await server.stop();
  },
  20_000,
);
