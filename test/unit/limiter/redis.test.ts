import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { RedisStore } from "../../../src/limiter/redis.ts";
import { CODE, pairKey, type StoreFailure } from "../../../src/limiter/store.ts";
import { connectRedis } from "../../../src/redis/connect.ts";
import { haveRedis, type RedisServer, redisCli, startRedis } from "../../support/redis.ts";
import { pause } from "../../support/waits.ts";
import { ask, examine } from "./exam.ts";
import { connected, settings } from "./fixture.ts";

if (!haveRedis) console.warn("redis-server is not on PATH: the tests of the Redis limiter are skipped");
const describeRedis = haveRedis ? describe : describe.skip;

if (haveRedis) {
  examine("redis", async (clock) => {
    const server = await startRedis();
    const store = new RedisStore({ client: await connected(connectRedis(settings(server.url))), timeoutMs: 1000, nowUs: clock.read });
    return { store, end: () => server.stop() };
  });
}

describeRedis("on a real Redis", () => {
  let server: RedisServer;
  let store: RedisStore;

  beforeAll(async () => {
    server = await startRedis();
    store = new RedisStore({ client: await connected(connectRedis(settings(server.url))), timeoutMs: 1000 });
  });
  afterAll(async () => {
    await store.close();
    await server.stop();
  });

  test("windows go by Redis's own clock, stay below 5 kB and expire by themselves", async () => {
    const seconds = Number((await redisCli(server.port, ["time"])).split("\n")[0]);
    const { tick } = await store.reserve(ask("clock/m"));
    expect(Math.abs(tick / 10 - seconds)).toBeLessThan(2);
    expect(Number(await redisCli(server.port, ["pttl", "weir:1:{clock/m}"]))).toBeGreaterThan(60_000);
    expect(Number(await redisCli(server.port, ["pttl", "weir:1:{clock/m}"]))).toBeLessThanOrEqual(60_200);
    // A ring of which every slot has been written.
    await redisCli(server.port, ["setrange", "weir:1:{clock/m}", String(72 + 601 * 8 - 1), "\\0"]);
    expect(Number(await redisCli(server.port, ["strlen", "weir:1:{clock/m}"]))).toBeLessThanOrEqual(5000);
  });

  test("a refusal never rests on what was settled here and has not been sent yet", async () => {
    const client = await connected(connectRedis(settings(server.url)));
    // No settlement is sent by a timer while this test runs.
    const patient = new RedisStore({ client, timeoutMs: 1000, gatherMs: 600_000 });
    const asked = { ...ask("patient/m"), rpm: 3, tpm: 1_000, tokens: 400, bound: 0 };
    const { tick } = await patient.reserve(asked);
    await patient.reserve(asked);
    expect((await patient.reserve(asked)).code).toBe(CODE.tokens);
    patient.adjust({ key: "patient/m", tick, requests: 0, tokens: -390, debt: 0 });
    expect(await patient.reserve(asked)).toMatchObject({ code: CODE.admitted, requests: 3, tokens: 810 });
    expect((await patient.reserve({ ...asked, tokens: 1 })).code).toBe(CODE.requests);
    patient.adjust({ key: "patient/m", tick, requests: -1, tokens: -10, debt: 0 });
    // Calls that come together are all answered.
    const answers = await Promise.all(Array.from({ length: 5 }, () => patient.reserve({ ...asked, tokens: 1 })));
    expect(answers.map(({ code }) => code)).toEqual([CODE.admitted, ...Array(4).fill(CODE.requests)]);
    expect(patient.unsettled).toBe(0);
    await patient.close();
  });

  test("idle windows leave nothing in Redis", async () => {
    const brief = new RedisStore({ client: await connected(connectRedis(settings(server.url))), timeoutMs: 1000, windowMs: 300 });
    const { tick } = await brief.reserve(ask("brief/m"));
    brief.adjust({ key: "brief/m", tick, requests: 0, tokens: -50, debt: 0 });
    await brief.close();
    expect((await redisCli(server.port, ["keys", "weir:1:{brief/m}*"])).trim().split("\n").length).toBe(2);
    await pause(700);
    expect((await redisCli(server.port, ["keys", "weir:1:{brief/m}*"])).trim()).toBe("");
  });

  test("a batch of settlements whose answer was lost is sent again and counts once", async () => {
    const client = await connected(connectRedis(settings(server.url)));
    const evalsha = client.evalsha.bind(client) as (sha: string, keyCount: number, ...rest: (string | number)[]) => Promise<unknown>;
    const replies: unknown[] = [];
    const forgetful = async (sha: string, keyCount: number, ...rest: (string | number)[]): Promise<unknown> => {
      const reply = await evalsha(sha, keyCount, ...rest);
      if (keyCount === 1) return reply;
      replies.push(reply);
      if (replies.length < 3) throw new Error("Connection is closed.");
      return reply;
    };
    Object.assign(client, { evalsha: forgetful });
    const sender = new RedisStore({ client, timeoutMs: 1000 });
    await sender.probe().catch(() => {});
    replies.length = 0;
    const { tick } = await sender.reserve(ask("twice/m", { tokens: 1000 }));
    sender.adjust({ key: "twice/m", tick, requests: 0, tokens: -100, debt: 0 });
    await sender.flush();
    // Gathered while it was not known whether the first batch arrived: it is sent after the first, as a batch of its own.
    sender.adjust({ key: "twice/m", tick, requests: 0, tokens: -10, debt: 3 });
    await sender.flush();
    expect(replies).toEqual([1, 0, 0, 1]);
    expect(await sender.reserve(ask("twice/m", { requests: 0, tokens: 0 }))).toMatchObject({ requests: 1, tokens: 893 });
    expect(sender.unsettled).toBe(0);
    await sender.close();
  });

  test("a server may be written with or without a scheme, or be a socket", async () => {
    const socket = `${server.directory}/socket`;
    const local = await startRedis(["--unixsocket", socket]);
    for (const url of [`127.0.0.1:${local.port}`, local.url, `${local.url}/2`, socket]) {
      const client = await connected(connectRedis(settings(url)));
      const there = new RedisStore({ client, timeoutMs: 1000 });
      expect((await there.reserve(ask("place/m"))).requests).toBeGreaterThan(0);
      await there.close();
    }
    await local.stop();
  });

  test("scripts that the server has forgotten are given to it again", async () => {
    await store.reserve(ask("flushed/m"));
    await redisCli(server.port, ["script", "flush"]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.reserve(ask("flushed/m"))));
    expect(Math.max(...answers.map(({ requests }) => requests))).toBe(21);
  });

  test("where EVALSHA is not allowed, EVAL is used", async () => {
    const line = ["acl", "setuser", "plain", "on", ">plainword", "~*", "+@all", "-evalsha", "-script", "-info", "-hello", "-client"];
    await redisCli(server.port, line);
    const client = await connected(connectRedis(settings(server.url, { username: "plain", password: "plainword" })));
    const plain = new RedisStore({ client, timeoutMs: 1000 });
    const { tick } = await plain.reserve(ask("plain/m", { tokens: 500 }));
    plain.adjust({ key: "plain/m", tick, requests: 0, tokens: -200, debt: 0 });
    await plain.flush();
    expect(await plain.reserve(ask("plain/m"))).toMatchObject({ requests: 2, tokens: 400 });
    await plain.close();
  });

  test("no failure repeats the password", async () => {
    await redisCli(server.port, ["acl", "setuser", "secretive", "on", ">right", "~*", "+@all"]);
    const failures: StoreFailure[] = [];
    const client = connectRedis(settings(server.url.replace("//", "//secretive:hunter2@")));
    const locked = new RedisStore({ client, timeoutMs: 200, onFailure: (failure) => failures.push(failure) });
    await new Promise<void>((resolve) => client.once("error", () => resolve()));
    await locked.reserve(ask("locked/m")).catch(() => {});
    await locked.close();
    expect(failures[0]?.kind).toBe("auth");
    expect(JSON.stringify(failures.map((failure) => [failure.message, failure.stack]))).not.toContain("hunter2");
    for (const url of ["redis://user:hunter2@ho st:99999", "redis://u:hunter2@h:port"]) {
      let text = "";
      try {
        connectRedis(settings(url));
      } catch (error) {
        text = String(error);
      }
      expect(text).toContain("Redis");
      expect(text).not.toContain("hunter2");
    }
  });

  test("names with braces, slashes and spaces have windows of their own in one hash slot", async () => {
    const keys = [pairKey("a}b", "c"), pairKey("a", "}b/c"), pairKey("a}b/c", ""), pairKey("ä {x}", "m:1")];
    expect(new Set(keys).size).toBe(4);
    for (const key of keys) {
      expect(key).not.toMatch(/[{} ]/);
      expect(await store.reserve(ask(key))).toMatchObject({ requests: 1 });
    }
  });
});
