/** Redis frozen, thawed, killed and started again under a gateway with traffic, one gateway for each policy. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { haveRedis, startRedis, startRedisCluster, startSentinelSet } from "../../support/redis.ts";
import { eventually, pause } from "../../support/waits.ts";
import { startWeir, type Weir } from "../../support/weir.ts";
import { anthropic } from "../dialects.ts";
import { configuration, keyOf, metricOf } from "./world.ts";

const POLICIES = ["local", "closed", "open"] as const;
type Policy = (typeof POLICIES)[number];

/** Far more than Redis takes on a busy machine: no call meets the deadline while Redis is there. */
const TIMEOUT_MS = 300;
/** A call's own time through gateway and sandbox, beside the other gateways. What a call takes while Redis is there comes on top of it. */
const SLACK_MS = 450;
const CALLERS = 3;
/** Calls that are looked at, at least. */
const NEXT = 30;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const start = (redis: object): Promise<Weir> =>
  startWeir({ config: configuration(sandbox, { acme: { limits: { rpm: 1_000_000, tpm: 1_000_000_000 } } }, { redis, workers: 1 }) });

async function ask(weir: Weir): Promise<Response> {
  return await fetch(`${weir.url}${anthropic.path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": keyOf("acme") },
    body: JSON.stringify(anthropic.body("[sandbox: tokens=1 pace=0]", { max_tokens: 10 })),
  });
}

const stateOf = (weir: Weir, state: string): Promise<number> => metricOf(weir, "weir_limiter_state", { state });
const inState = (weir: Weir, state: string): Promise<void> =>
  eventually(async () => (await stateOf(weir, state)) === 1, `the limiter to be ${state}`);

/** Steady traffic to one gateway. */
class Load {
  readonly policy: Policy;
  readonly weir: Weir;
  sent = 0;
  answered = 0;
  longestMs = 0;
  /** Those of the calls that began since this list was made. */
  #statuses: number[] = [];
  #running = true;
  readonly #callers: Promise<void>[];

  constructor(policy: Policy, weir: Weir) {
    this.policy = policy;
    this.weir = weir;
    this.#callers = Array.from({ length: CALLERS }, () => this.#call());
  }

  /** Which statuses the calls have that begin from now on; 0 is a call without an answer. */
  async next(): Promise<number[]> {
    const statuses: number[] = [];
    this.#statuses = statuses;
    await eventually(() => statuses.length >= NEXT, `${NEXT} calls`);
    return [...new Set(statuses)];
  }

  async end(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#callers);
  }

  async #call(): Promise<void> {
    while (this.#running) {
      this.sent++;
      const statuses = this.#statuses;
      const startedMs = performance.now();
      const status = await ask(this.weir).then(
        async (response) => {
          await response.text();
          this.answered++;
          return response.status;
        },
        () => 0,
      );
      this.longestMs = Math.max(this.longestMs, performance.now() - startedMs);
      statuses.push(status);
      await pause(15);
    }
  }
}

describe.skipIf(!haveRedis)("with Redis away", () => {
  test("no call waits longer than the deadline, none is lost, each policy is followed, logged and left again without help", async () => {
    const redis = await startRedis();
    const loads = await Promise.all(
      POLICIES.map(async (policy) => new Load(policy, await start({ url: redis.url, on_failure: policy, timeout: `${TIMEOUT_MS}ms` }))),
    );
    const each = (look: (load: Load) => Promise<void>) => Promise.all(loads.map(look));
    try {
      await each(({ weir }) => inState(weir, "redis"));
      await each(async (load) => expect(await load.next()).toEqual([200]));
      const calmMs = Math.max(...loads.map(({ longestMs }) => longestMs));
      const outages: [string, () => unknown, () => unknown][] = [
        ["frozen", () => redis.freeze(), () => redis.thaw()],
        ["killed", () => redis.kill(), () => redis.start()],
      ];
      for (const [, begin, end] of outages) {
        await begin();
        await each(({ policy, weir }) => inState(weir, policy));
        await each(async (load) => {
          const { policy, weir } = load;
          expect([policy, await load.next()]).toEqual([policy, [policy === "closed" ? 503 : 200]]);
          expect(await stateOf(weir, "redis")).toBe(0);
          const ready = await fetch(`${weir.adminUrl}/readyz`);
          expect(ready.status).toBe(200);
          expect(((await ready.json()) as { limiter: string }).limiter).toMatch(new RegExp(`^${policy}: Redis is away \\(.+\\), `));
        });

        await end();
        await each(({ weir }) => inState(weir, "redis"));
        await each(async (load) => expect(await load.next()).toEqual([200]));
      }
      for (const load of loads) await load.end();
      for (const { policy, weir, sent, answered, longestMs } of loads) {
        expect([policy, answered]).toEqual([policy, sent]);
        expect(longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS + calmMs);
        expect(await metricOf(weir, "weir_redis_errors_total")).toBeGreaterThan(0);
        // One line for each change: away and back, twice.
        const changes = weir.log().flatMap(({ state, before }) => (typeof state === "string" && before !== undefined ? [state] : []));
        expect(changes.slice(-4)).toEqual([policy, "redis", policy, "redis"]);
        expect(changes.length).toBeLessThanOrEqual(5);
      }
      console.info(
        `longest call: ${loads.map(({ policy, sent, longestMs }) => `${policy} ${Math.round(longestMs)} ms of ${sent}`).join(", ")}`,
      );
    } finally {
      await each((load) => load.end());
      for (const { weir } of loads) weir.child.kill("SIGKILL");
      await redis.stop();
    }
  }, 40_000);

  test("under `closed` a gateway that has never reached Redis is not ready, refuses with 503 in the dialect, and becomes ready by itself", async () => {
    const redis = await startRedis();
    await redis.kill();
    const weir = await start({ url: redis.url, on_failure: "closed", timeout: `${TIMEOUT_MS}ms` });
    try {
      expect((await fetch(`${weir.url}/readyz`)).status).toBe(503);
      // Its log says so at the start already, and later that Redis is back.
      await weir.logged(({ level, message }) => level === "error" && message === "Redis is away: the limiter follows its policy");
      const refused = await ask(weir);
      expect(refused.status).toBe(503);
      expect([refused.headers.get("retry-after"), refused.headers.get("retry-after-ms")]).toEqual(["1", "1000"]);
      expect(anthropic.error(await refused.text()).message).toMatch(/^Rate limits cannot be checked/);
      await redis.start();
      await inState(weir, "redis");
      expect((await fetch(`${weir.url}/readyz`)).status).toBe(200);
      expect((await ask(weir)).status).toBe(200);
      await weir.logged(({ message }) => message === "the limiter is back on Redis");
    } finally {
      weir.child.kill("SIGKILL");
      await redis.stop();
    }
  }, 20_000);
});

describe.skipIf(!haveRedis)("a gateway on more than one Redis", () => {
  const counts = async (weir: Weir): Promise<void> => {
    await inState(weir, "redis");
    const left: number[] = [];
    for (let nth = 0; nth < 3; nth++) {
      const answered = await ask(weir);
      expect(answered.status).toBe(200);
      left.push(Number(answered.headers.get("x-ratelimit-remaining-requests")));
    }
    expect(left).toEqual([999_999, 999_998, 999_997]);
  };

  const onCluster = async (): Promise<void> => {
    const servers = await startRedisCluster(3);
    let weir: Weir | undefined;
    try {
      weir = await start({ cluster: servers.map(({ url }) => url), timeout: "500ms" });
      await counts(weir);
    } finally {
      weir?.child.kill("SIGKILL");
      await Promise.all(servers.map((server) => server.stop()));
    }
  };

  const behindSentinel = async (): Promise<void> => {
    const set = await startSentinelSet("weir");
    let weir: Weir | undefined;
    try {
      weir = await start({ sentinel: { name: set.name, nodes: [`127.0.0.1:${set.sentinel.port}`] }, timeout: "500ms" });
      await counts(weir);
    } finally {
      weir?.child.kill("SIGKILL");
      await set.stop();
    }
  };

  test("starts on a cluster of three masters, and on a master that a Sentinel names, and counts there", async () => {
    await Promise.all([onCluster(), behindSentinel()]);
  }, 30_000);
});
