/**
 * Costs of the limiter: CPU microseconds of this process and of Redis for each call, for the reservation alone and with its settlement. This is not a
 * test; run it:
 *
 *   bun bench/limiter.ts [rounds]
 *
 * All variants use one Redis, each with its own limiter. The order is reversed in every other round. At the end the medians and the client's CPU of
 * all rounds are printed.
 */

import { Limiter } from "../src/limiter/limiter.ts";
import { MemoryStore } from "../src/limiter/memory.ts";
import { RedisStore } from "../src/limiter/redis.ts";
import type { LimiterStore } from "../src/limiter/store.ts";
import { connectRedis } from "../src/redis/connect.ts";
import { type RedisServer, startRedis } from "../test/support/redis.ts";
import { connected, settings } from "../test/unit/limiter/fixture.ts";

const CALLS = 8000;

interface Variant {
  name: string;
  store: "memory" | "redis";
  callers: number;
  pairs: number;
  settle: boolean;
  gatherMs: number;
}

function variants(): Variant[] {
  const list: Variant[] = [{ name: "memory, reserve + settle", store: "memory", callers: 64, pairs: 200, settle: true, gatherMs: 0 }];
  for (const pairs of [1, 200]) {
    const of = (name: string, change: Partial<Variant>): Variant => ({
      name: `redis, ${pairs} pair(s), 64 callers, ${name}`,
      store: "redis",
      callers: 64,
      pairs,
      settle: true,
      gatherMs: 0,
      ...change,
    });
    list.push(of("reserve", { settle: false }));
    for (const gatherMs of [0, 2, 5, 10]) list.push(of(`reserve + settle, gathered ${gatherMs} ms`, { gatherMs }));
  }
  list.push({ name: "redis, 1 caller, reserve", store: "redis", callers: 1, pairs: 200, settle: false, gatherMs: 0 });
  list.push({
    name: "redis, 1 caller, reserve + settle, gathered 5 ms",
    store: "redis",
    callers: 1,
    pairs: 200,
    settle: true,
    gatherMs: 5,
  });
  return list;
}

interface Cost {
  clientUs: number;
  redisUs: number;
  latencyUs: number;
}

async function measure(server: RedisServer, variant: Variant): Promise<Cost> {
  let limiter: Limiter;
  let store: LimiterStore;
  if (variant.store === "memory") {
    store = new MemoryStore();
    limiter = new Limiter({ store });
  } else {
    const { gatherMs } = variant;
    store = new RedisStore({ client: await connected(connectRedis(settings(server.url))), timeoutMs: 1000, gatherMs });
    limiter = new Limiter({ store });
    await limiter.contact(1000);
  }
  const calls = variant.callers === 1 ? CALLS / 4 : CALLS;
  const latencies: number[] = [];
  let left = 0;
  const caller = async (): Promise<void> => {
    while (left-- > 0) {
      const beganMs = performance.now();
      const model = `m${left % variant.pairs}`;
      const decision = await limiter.reserve({
        workspace: "w",
        model,
        window: "calls",
        rpm: 1e8,
        tpm: 4e9,
        input: 700,
        bound: undefined,
        output: 256,
      });
      latencies.push(performance.now() - beganMs);
      if (decision.outcome === "admitted" && variant.settle) limiter.settle(decision.reservation, 400);
    }
  };
  const run = async (count: number): Promise<void> => {
    left = count;
    await Promise.all(Array.from({ length: variant.callers }, caller));
    await store.flush();
  };
  await run(calls / 4);
  latencies.length = 0;
  const redisBefore = await server.cpuUs();
  const before = process.cpuUsage();
  await run(calls);
  const { user, system } = process.cpuUsage(before);
  const redisUs = (await server.cpuUs()) - redisBefore;
  await limiter.close();
  latencies.sort((a, b) => a - b);
  return { clientUs: (user + system) / calls, redisUs: redisUs / calls, latencyUs: (latencies[latencies.length >> 1] ?? 0) * 1000 };
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

const rounds = Number(process.argv[2] ?? 5);
const server = await startRedis();
const list = variants();
const costs = new Map<string, Cost[]>(list.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const variant of round % 2 === 0 ? list : [...list].reverse()) costs.get(variant.name)?.push(await measure(server, variant));
}
await server.stop();
console.log("median µs per call: client CPU, Redis CPU, reserve p50 (all rounds' client CPU)");
for (const [name, measured] of costs) {
  const of = (pick: (cost: Cost) => number): string => median(measured.map(pick)).toFixed(1).padStart(6);
  const all = measured.map(({ clientUs }) => clientUs.toFixed(1)).join(" ");
  console.log(`${name.padEnd(58)} ${of((cost) => cost.clientUs)} ${of((cost) => cost.redisUs)} ${of((cost) => cost.latencyUs)}   (${all})`);
}
