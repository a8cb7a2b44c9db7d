/** Day totals: both stores pass the same exam; what only Redis does follows. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectRedis } from "../../../src/redis/connect.ts";
import { MemoryTotals } from "../../../src/usage/memory.ts";
import { RedisTotals } from "../../../src/usage/redis.ts";
import { type Totals, TotalsUnavailable } from "../../../src/usage/totals.ts";
import { haveRedis, type RedisServer, redisCli, startRedis, startRedisCluster } from "../../support/redis.ts";
import { eventually } from "../../support/waits.ts";
import { settings } from "../../unit/limiter/fixture.ts";

const DAY_MS = 86_400_000;
const NOON_MS = Date.UTC(2026, 10, 24, 12);
const SOME = { input: 10, output: 3, cacheRead: 2, cacheWrite: 1, cacheWriteHour: 0, reasoning: 0 };

class Clock {
  nowMs = NOON_MS;
  readonly read = (): number => this.nowMs;
}

const plain = async (totals: Totals, workspace: string) =>
  Object.fromEntries([...(await totals.read(workspace))].map(([model, days]) => [model, Object.fromEntries(days)]));

function exam(open: (clock: Clock) => Totals | Promise<Totals>): void {
  test("adds up requests and tokens by workspace, model and UTC day", async () => {
    const clock = new Clock();
    const totals = await open(clock);
    totals.count("a", "m1", SOME);
    totals.count("a", "m1", undefined);
    totals.count("a", "m:2 odd/name", SOME);
    totals.count("b", "m1", SOME);
    expect(await plain(totals, "a")).toEqual({
      m1: { "2026-11-24": { requests: 2, ...SOME } },
      "m:2 odd/name": { "2026-11-24": { requests: 1, ...SOME } },
    });
    clock.nowMs += DAY_MS / 2 - 1;
    totals.count("b", "m1", SOME);
    clock.nowMs += 1;
    totals.count("b", "m1", SOME);
    expect(await plain(totals, "b")).toEqual({
      m1: {
        "2026-11-24": { requests: 2, input: 20, output: 6, cacheRead: 4, cacheWrite: 2, cacheWriteHour: 0, reasoning: 0 },
        "2026-11-25": { requests: 1, ...SOME },
      },
    });
    expect(await plain(totals, "nobody")).toEqual({});
    await totals.close();
  });

  test("shows 35 days and forgets those before", async () => {
    const clock = new Clock();
    const totals = await open(clock);
    for (let day = 0; day < 40; day++) {
      totals.count("long", "m", SOME);
      clock.nowMs += DAY_MS;
    }
    const days = Object.keys((await plain(totals, "long")).m ?? {}).sort();
    expect([days.length, days.at(-1)]).toEqual([34, "2027-01-02"]);
    await totals.close();
  });

  test("numbers that an upstream made up spoil no sum", async () => {
    const totals = await open(new Clock());
    totals.count("odd", "m", SOME);
    for (const input of [Number.NaN, Number.POSITIVE_INFINITY, -5, 1.5, 1e300]) totals.count("odd", "m", { ...SOME, input });
    expect(await plain(totals, "odd")).toEqual({
      m: { "2026-11-24": { requests: 6, input: 10, output: 18, cacheRead: 12, cacheWrite: 6, cacheWriteHour: 0, reasoning: 0 } },
    });
    await totals.close();
  });
}

describe("in memory", () => {
  exam((clock) => new MemoryTotals(clock.read));

  test("they say since when they count", () => {
    expect(new MemoryTotals(() => NOON_MS).sinceMs).toBe(NOON_MS);
  });
});

describe.skipIf(!haveRedis)("in Redis", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());
  const patient = { timeoutMs: 1_000 };
  /** With a connection that is made. */
  const open = async (clock: Clock, writeEveryMs = 60_000) => {
    const client = connectRedis(settings(server.url, patient));
    const totals = new RedisTotals({ client, nowMs: clock.read, writeEveryMs, patienceMs: 300 });
    await new Promise((resolve) => client.once("ready", resolve));
    return totals;
  };

  describe("the exam", () => {
    beforeAll(() => redisCli(server.port, ["flushall"]));
    exam(open);
  });

  test("gateways share them, and they outlive all of these", async () => {
    const [one, other] = [await open(new Clock()), await open(new Clock())];
    one.count("shared", "m", SOME);
    other.count("shared", "m", SOME);
    await one.close();
    await other.close();
    const later = await open(new Clock());
    expect((await plain(later, "shared")).m?.["2026-11-24"]?.requests).toBe(2);
    expect(Number(await redisCli(server.port, ["ttl", "weir:{usage:shared}:2026-11-24"]))).toBeGreaterThan(35 * 86_000);
    await later.close();
  });

  test("they are written by themselves, many calls in one command for each workspace and day", async () => {
    const totals = await open(new Clock(), 50);
    await redisCli(server.port, ["config", "resetstat"]);
    for (let call = 0; call < 10_000; call++) totals.count(`w${call % 2}`, "m", SOME);
    const written = () => redisCli(server.port, ["hget", "weir:{usage:w1}:2026-11-24", "m requests"]);
    await eventually(async () => (await written()).trim() === "5000", "all to be written");
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await redisCli(server.port, ["info", "commandstats"]))?.[1];
    expect(Number(calls)).toBeLessThanOrEqual(4);
    await totals.close();
  });

  test("while Redis is away they are kept, reading is refused, and nothing is lost or counted twice", async () => {
    const totals = await open(new Clock(), 20);
    totals.count("away", "m", SOME);
    await totals.write();
    server.freeze();
    totals.count("away", "m", SOME);
    // The server takes it and does not answer: it is applied, and the gateway does not know.
    const doubtful = totals.write();
    totals.count("away", "m", SOME);
    await expect(totals.read("away")).rejects.toBeInstanceOf(TotalsUnavailable);
    await doubtful;
    server.thaw();
    await totals.write();
    totals.count("away", "m", SOME);
    expect((await plain(totals, "away")).m?.["2026-11-24"]).toEqual({
      requests: 4,
      input: 40,
      output: 12,
      cacheRead: 8,
      cacheWrite: 4,
      cacheWriteHour: 0,
      reasoning: 0,
    });
    await totals.close();
  }, 20_000);

  test("a cluster keeps each workspace in one slot", async () => {
    const nodes = await startRedisCluster(3);
    const client = connectRedis(settings("", { ...patient, url: undefined, cluster: nodes.map(({ url }) => url) }));
    const totals = new RedisTotals({ client, nowMs: () => NOON_MS });
    for (let at = 0; at < 20; at++) totals.count(`w${at}`, "m", SOME);
    for (let at = 0; at < 20; at++) expect((await plain(totals, `w${at}`)).m?.["2026-11-24"]?.requests).toBe(1);
    await totals.close();
    for (const node of nodes) await node.stop();
  }, 30_000);
});
