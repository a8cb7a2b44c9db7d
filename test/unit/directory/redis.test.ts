import { describe, expect, test } from "bun:test";
import { RedisDirectory } from "../../../src/directory/redis.ts";
import { DirectoryUnavailable } from "../../../src/directory/store.ts";
import { haveRedis, redisCli, startRedis, startRedisCluster, startSentinelSet } from "../../support/redis.ts";
import { eventually, promptly } from "../../support/waits.ts";
import { settings } from "../limiter/fixture.ts";
import { examine } from "./exam.ts";
import { storedKey, storedWorkspace } from "./stored.ts";

if (!haveRedis) console.warn("redis-server is not on PATH: the tests of the Redis directory are skipped");

if (haveRedis) {
  examine("redis", async () => {
    const server = await startRedis();
    return { open: () => new RedisDirectory(settings(server.url)), end: () => server.stop() };
  });
  examine("redis cluster", async () => {
    const servers = await startRedisCluster(3);
    const cluster = servers.map(({ port }) => `127.0.0.1:${port}`);
    return {
      open: () => new RedisDirectory(settings("", { url: undefined, cluster })),
      end: async () => {
        for (const server of servers) await server.stop();
      },
    };
  });
  examine("redis behind a Sentinel", async () => {
    const set = await startSentinelSet("weir");
    const sentinel = { name: set.name, nodes: [`127.0.0.1:${set.sentinel.port}`] };
    return { open: () => new RedisDirectory(settings("", { url: undefined, sentinel })), end: () => set.stop() };
  });
}

describe.skipIf(!haveRedis)("a Redis that keeps keys", () => {
  const risksOf = async (args: string[]): Promise<string[]> => {
    const server = await startRedis(args);
    const told: string[] = [];
    const store = new RedisDirectory(settings(server.url), (text) => told.push(text));
    try {
      // The questions about it are asked once, and both go before the third question of this store.
      await eventually(() => store.load().then(Boolean, () => false), "it answers");
      const isAsked = async () => /cmdstat_info:calls=[2-9]/.test(await redisCli(server.port, ["info", "commandstats"]));
      await eventually(isAsked, "it was asked");
      await store.load();
      return told;
    } finally {
      await store.close();
      await server.stop();
    }
  };

  test("brings a warning where it keeps nothing on disk, and none where it does", async () => {
    expect(await risksOf(["--appendonly", "no"])).toEqual([expect.stringContaining("Set appendonly yes")]);
    expect(await risksOf(["--appendonly", "yes"])).toEqual([]);
  });

  test("brings a warning where it throws keys away when it is full", async () => {
    const full = ["--appendonly", "yes", "--maxmemory", "100mb"];
    expect(await risksOf([...full, "--maxmemory-policy", "allkeys-lru"])).toEqual([expect.stringContaining("Set noeviction")]);
    expect(await risksOf([...full, "--maxmemory-policy", "volatile-lru"])).toEqual([]);
  });

  test("may hold a record that cannot be read: it is left out with one warning, and every other change is still noticed", async () => {
    const server = await startRedis(["--appendonly", "yes"]);
    const told: string[] = [];
    const store = new RedisDirectory(settings(server.url), (text) => told.push(text));
    try {
      const [kept, revoked] = [storedKey("kept"), storedKey("revoked")];
      await store.putKey(kept);
      await store.putKey(revoked);
      for (const [id, text] of [
        ["key_0000000000000000", "no JSON"],
        ["key_0000000000000001", '{"id":"key_0000000000000001","sha256":"short"}'],
        ["key_0000000000000002", "null"],
      ]) {
        await redisCli(server.port, ["hset", "weir:{directory}:1:keys", id ?? "", text ?? ""]);
      }
      await redisCli(server.port, ["hset", "weir:{directory}:1:workspaces", "odd", '"text"']);
      expect((await store.load()).keys.map(({ id }) => id).sort()).toEqual([kept.id, revoked.id].sort());
      expect(store.state).toBe("ok");
      await store.removeKey(revoked.id);
      expect(await store.load()).toEqual({ keys: [kept], workspaces: [] });
      expect(told.length).toBe(4);
      expect(told.join()).toContain("key_0000000000000001");
      expect(told.join()).not.toContain("no JSON");
      expect(await store.find(`0000000000000000${"a".repeat(48)}`)).toBeUndefined();
      // One that is removed with its workspace does not stop at those.
      expect(await store.putWorkspace(storedWorkspace("acme"), false)).toBe(true);
      expect(await store.removeWorkspace("acme")).toBe(true);
      expect((await store.load()).keys).toEqual([]);
    } finally {
      await store.close();
      await server.stop();
    }
  });

  test("is waited for by the first question, and not where its connection is refused", async () => {
    const server = await startRedis(["--appendonly", "yes"]);
    const store = new RedisDirectory(settings(server.url));
    expect(await store.load()).toEqual({ keys: [], workspaces: [] });
    await store.close();
    await server.stop();
    const away = new RedisDirectory(settings(server.url));
    const beganMs = performance.now();
    await expect(away.load()).rejects.toBeInstanceOf(DirectoryUnavailable);
    // At once, and not after the second that a silent Redis has.
    expect(performance.now() - beganMs).toBeLessThan(900);
    await away.close();
  });

  test("needs to allow no more than docs/operations.md says", async () => {
    const server = await startRedis();
    const commands = "get hget hgetall hset hdel hexists incr publish subscribe eval evalsha info".split(" ").map((name) => `+${name}`);
    await redisCli(server.port, ["acl", "setuser", "weir", "on", ">secret-of-acl", "~weir:*", "&weir:directory:1", ...commands]);
    const told: string[] = [];
    const restricted = settings(server.url, { username: "weir", password: "secret-of-acl" });
    const store = new RedisDirectory(restricted, (text) => told.push(text));
    try {
      await eventually(() => store.load().then(Boolean, () => false), "it answers");
      let noticed = 0;
      store.watch(() => noticed++);
      await promptly(() => noticed > 0, "it listens");
      const key = storedKey("restricted");
      await store.putKey(key);
      await promptly(() => noticed > 1, "the message comes");
      await store.touch(new Map([[key.id, 5]]));
      expect(await store.find(key.sha256)).toMatchObject({ id: key.id });
      expect((await store.load()).keys[0]?.lastUsedAtMs).toBe(5);
      expect(await store.removeKey(key.id)).toBe(true);
      expect(await redisCli(server.port, ["acl", "log"])).toBe("\n");
      expect(told.length).toBe(1);
    } finally {
      await store.close();
      await server.stop();
    }
  });

  test("has every confirmed key after it was killed, where it appends always", async () => {
    const server = await startRedis(["--appendonly", "yes", "--appendfsync", "always"]);
    const store = new RedisDirectory(settings(server.url));
    try {
      await eventually(() => store.load().then(Boolean, () => false), "it answers");
      const keys = Array.from({ length: 200 }, (_, at) => storedKey(`durable-${at}`));
      await Promise.all(keys.map((key) => store.putKey(key)));
      await server.kill();
      await server.start();
      await eventually(() => store.load().then(Boolean, () => false), "it answers again");
      expect((await store.load()).keys.length).toBe(200);
    } finally {
      await store.close();
      await server.stop();
    }
  }, 20_000);

  test("and is away says so within the deadline, in words that hold no digest, and is used again when it is back", async () => {
    const server = await startRedis();
    const store = new RedisDirectory(settings(server.url));
    try {
      await eventually(() => store.load().then(Boolean, () => false), "it answers");
      expect(store.state).toBe("ok");
      server.freeze();
      const key = storedKey("frozen");
      const beganMs = performance.now();
      const thrown = await store.putKey(key).catch((error: unknown) => error);
      expect(thrown).toBeInstanceOf(DirectoryUnavailable);
      expect(String(thrown)).toContain("try again");
      expect(String(thrown)).not.toContain(key.sha256.slice(0, 8));
      expect(performance.now() - beganMs).toBeLessThan(2_000);
      expect(store.state).toContain("Redis cannot be used now");
      server.thaw();
      await eventually(() => store.load().then(Boolean, () => false), "it is used again");
      expect(store.state).toBe("ok");
    } finally {
      await store.close();
      await server.stop();
    }
  }, 20_000);
});
