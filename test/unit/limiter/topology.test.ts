/** The Redis client with each kind of Redis: with TLS, a cluster of three masters, and a failover by Sentinel. */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { openLimiter } from "../../../src/limiter/index.ts";
import type { Decision, Limiter } from "../../../src/limiter/limiter.ts";
import { Lateness } from "../../support/clock.ts";
import { haveRedis, redisCli, startRedisCluster, startSentinelSet, startTlsRedis } from "../../support/redis.ts";
import { eventually, pause } from "../../support/waits.ts";
import { settings } from "./fixture.ts";

/** Far more than Redis takes on a busy machine: no call meets the deadline while Redis is there. */
const TIMEOUT_MS = 250;
/** What the machine may add to a deadline by itself. How late its timers are comes on top of it. */
const SLACK_MS = 150;
const LIMITS = { window: "calls" as const, rpm: 10, tpm: 60_000, input: 100, bound: undefined, output: 256 };

function reserve(limiter: Limiter, model: string): Decision | Promise<Decision> {
  return limiter.reserve({ workspace: "w", model, ...LIMITS });
}

test.skipIf(!haveRedis)(
  "a cluster of three masters holds each pair in one slot, and comes back after one of them was killed and started again",
  async () => {
    const servers = await startRedisCluster(3);
    // The client is given one node, and finds the others.
    const limiter = openLimiter({
      redis: settings("", { url: undefined, cluster: [`127.0.0.1:${servers[0]?.port}`], onFailure: "closed", timeoutMs: TIMEOUT_MS }),
    });
    expect(await limiter.contact(5000)).toBe(true);
    for (let n = 0; n < 60; n++) {
      for (let call = 0; call < 3; call++) {
        const decision = await reserve(limiter, `m${n}`);
        expect(decision.outcome).toBe("admitted");
        if (decision.outcome === "admitted") limiter.settle(decision.reservation, 50);
      }
    }
    for (let n = 0; n < 60; n++) {
      // What is settled is on its way for a moment.
      const isSettled = async () => (await limiter.usage("w", `m${n}`, 10, 60_000))?.tokens.used === 150;
      await eventually(isSettled, `the settlements of m${n}`);
      expect(await limiter.usage("w", `m${n}`, 10, 60_000)).toMatchObject({ requests: { used: 3 }, tokens: { used: 150 } });
    }
    for (const { port } of servers) expect(Number(await redisCli(port, ["dbsize"]))).toBeGreaterThan(10);

    const victim = servers[1];
    if (victim === undefined) throw new Error("no second master");
    await victim.kill();
    const lateness = new Lateness();
    let longestMs = 0;
    const call = async (): Promise<string> => {
      const beganMs = performance.now();
      const { outcome } = await reserve(limiter, `after${Math.floor(performance.now())}`);
      longestMs = Math.max(longestMs, performance.now() - beganMs);
      return outcome;
    };
    const outcomes = new Set<string>();
    const untilMs = performance.now() + 2500;
    while (performance.now() < untilMs) {
      outcomes.add(await call());
      await pause(5);
    }
    expect([...outcomes].sort()).toEqual(["admitted", "unavailable"]);
    await victim.start();
    let inARow = 0;
    const isBack = async () => {
      inARow = (await call()) === "admitted" ? inARow + 1 : 0;
      return inARow >= 100;
    };
    await eventually(isBack, () => `a hundred calls in a row to be admitted, and not ${inARow}`);
    expect(longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS + lateness.mostMs);
    lateness.stop();
    await limiter.close();
    for (const server of servers) await server.stop();
  },
  60_000,
);

test.skipIf(!haveRedis)(
  "a Sentinel failover needs no restart: the new master is found, and what it had copied still counts",
  async () => {
    const set = await startSentinelSet("weir");
    const changes: string[] = [];
    const limiter = openLimiter({
      redis: settings("", {
        url: undefined,
        sentinel: { name: "weir", nodes: [`127.0.0.1:${set.sentinel.port}`] },
        onFailure: "closed",
        timeoutMs: TIMEOUT_MS,
      }),
      onState: (state) => changes.push(state),
    });
    expect(await limiter.contact(5000)).toBe(true);
    for (let n = 0; n < 4; n++) expect((await reserve(limiter, "m")).outcome).toBe("admitted");
    const isCopied = async () => {
      const said = await redisCli(set.master.port, ["info", "replication"]);
      return /slave0:.*offset=(\d+)/.exec(said)?.[1] === /master_repl_offset:(\d+)/.exec(said)?.[1];
    };
    await eventually(isCopied, "the replica to have what the master has");
    await set.master.kill();
    const lateness = new Lateness();
    let longestMs = 0;
    const hasFailedOver = async () => {
      const beganMs = performance.now();
      await reserve(limiter, "during");
      longestMs = Math.max(longestMs, performance.now() - beganMs);
      return changes.length >= 3 && changes.at(-1) === "redis";
    };
    await eventually(hasFailedOver, () => `a failover: ${changes.join(", ")}; ${limiter.ready().detail}`);
    expect(changes).toEqual(["redis", "closed", "redis"]);
    expect(longestMs).toBeLessThan(TIMEOUT_MS + SLACK_MS + lateness.mostMs);
    lateness.stop();
    expect(await redisCli(set.replica.port, ["role"])).toStartWith("master");
    expect((await limiter.usage("w", "m", 10, 60_000))?.requests.used).toBe(4);
    for (let n = 4; n < 10; n++) expect((await reserve(limiter, "m")).outcome).toBe("admitted");
    expect((await reserve(limiter, "m")).outcome).toBe("requests");
    await limiter.close();
    await set.stop();
  },
  30_000,
);

const haveOpenssl = spawnSync("openssl", ["version"]).status === 0;

test.skipIf(!haveRedis || !haveOpenssl)(
  "TLS: a certificate that no authority vouches for is refused, one that is trusted is taken",
  async () => {
    const server = await startTlsRedis();
    const url = `rediss://127.0.0.1:${server.port}`;
    const limiter = openLimiter({ redis: settings(url, { onFailure: "closed" }) });
    expect(await limiter.contact(400)).toBe(false);
    expect(limiter.ready().detail).toMatch(/certificate/i);
    await limiter.close();

    // Certificate authorities are read when a process starts, so the test starts one that trusts this authority.
    const program = `
      import { openLimiter } from ${JSON.stringify(join(import.meta.dir, "../../../src/limiter/index.ts"))};
      const limiter = openLimiter({ redis: ${JSON.stringify(settings(url.replace("rediss", "redis"), { tls: true }))} });
      console.log(await limiter.contact(4000), limiter.state);
      await limiter.close();
    `;
    const child = Bun.spawn([process.execPath, "-e", program], { env: { ...process.env, NODE_EXTRA_CA_CERTS: server.certificate } });
    expect((await new Response(child.stdout).text()).trim()).toBe("true redis");
    await server.stop();
  },
  15_000,
);
