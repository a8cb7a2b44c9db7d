/**
 * Releases side by side on one Redis. What the release before has left there is written by this file in its own form, word by word, and not by the
 * code that is tested: a change of a form that does not also change the name of its key fails here.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { register } from "../../support/collected.ts";
import { haveRedis, type RedisServer, redisCli, startRedis } from "../../support/redis.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually } from "../../support/waits.ts";
import { type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../../docs/upgrade.md"), "utf8");
const TOKEN = "upgrade-admin-token-5d1c0a";
const OLD_KEY = "weir_left_by_the_release_before_Vq3T";
const DIGEST = createHash("sha256").update(OLD_KEY).digest("hex");
const OLD_ID = `key_${DIGEST.slice(0, 16)}`;
const DAY = new Date().toISOString().slice(0, 10);

/** As `ring.lua` of release 0.1.0 packs it: nine doubles, then 601 slots of two 32-bit numbers. Two requests and 100 tokens, a second ago. */
const RING = `
local now = redis.call('TIME')
local head = math.floor((now[1] * 1000000 + now[2]) / 100000) - 10
local header = struct.pack('>ddddddddd', head, 0, 2, 100, 2, 100, 0, 0, head)
return redis.call('SET', KEYS[1], header .. string.rep('\\0', 601 * 8), 'PX', 60200)`;

let redis: RedisServer;
let sandbox: Sandbox;

async function leave(): Promise<void> {
  const cli = (...words: string[]) => redisCli(redis.port, words);
  const key = { id: OLD_ID, sha256: DIGEST, name: "till", workspace: "shop", createdAtMs: 1_790_000_000_000 };
  const workspace = { name: "shop", defaultRegion: "eu", limits: { rpm: 3 }, models: {}, createdAtMs: 1_790_000_000_000 };
  await cli("HSET", "weir:{directory}:1:keys", OLD_ID, JSON.stringify(key));
  await cli("HSET", "weir:{directory}:1:workspaces", "shop", JSON.stringify(workspace));
  await cli("HSET", "weir:{directory}:1:used", OLD_ID, "1790000000000");
  await cli("SET", "weir:{directory}:1:version", "2");
  await cli("HSET", `weir:{usage:shop}:${DAY}`, "claude requests", "40", "claude input", "5000");
  await cli("EVAL", RING, "1", "weir:1:{shop/claude}");
}

function configuration(): Record<string, unknown> {
  return {
    workers: 1,
    admin: { token: TOKEN },
    redis: { url: redis.url },
    limits: { rpm: 100, tpm: 1_000_000 },
    upstreams: { b: bedrockIn("eu", sandbox) },
    models: { claude: { targets: [{ upstream: "b", model: HAIKU }] } },
  };
}

async function ask(weir: Weir, key: string): Promise<{ status: number; remaining: string | null }> {
  const body = JSON.stringify({ model: "claude", max_tokens: 5, messages: [{ role: "user", content: "Hello" }] });
  const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
  await answer.text();
  return { status: answer.status, remaining: answer.headers.get("x-ratelimit-remaining-requests") };
}

async function administer(weir: Weir, path: string, body?: object): Promise<Record<string, unknown>> {
  const sent = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const answer = await fetch(`${weir.adminUrl}/admin/v1${path}`, { headers: { authorization: `Bearer ${TOKEN}` }, ...sent });
  return (await answer.json()) as Record<string, unknown>;
}

/** The names of keys as docs/upgrade.md lists them. A word in capitals is a place for what differs. */
function published(): { name: string; pattern: RegExp }[] {
  const names = [...PAGE.matchAll(/^\| `(weir:[^`]+)` \|/gm)].map(([, name = ""]) => name);
  return names.map((name) => {
    const literal = name.replaceAll(/[{}]/g, "\\$&").replaceAll(/[A-Z]+/g, "[^:{}]+");
    return { name, pattern: new RegExp(`^${literal}$`) };
  });
}

describe.skipIf(!haveRedis)("beside what the release before has left in Redis", () => {
  beforeAll(async () => {
    [redis, sandbox] = await Promise.all([startRedis(["--appendonly", "yes"]), startSandbox()]);
    register("a key", OLD_KEY);
  }, 20_000);
  afterAll(async () => {
    await redis.stop();
    await sandbox.close();
  });

  for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
    test(`its keys, workspaces, windows and totals count on ${runtime}, and what this release leaves has the same names and forms`, async () => {
      await redisCli(redis.port, ["FLUSHALL"]);
      await leave();
      const weir = await startWeir({ runtime, config: configuration() });
      try {
        // Two of its three requests are used up.
        expect(await ask(weir, OLD_KEY)).toEqual({ status: 200, remaining: "0" });
        expect((await ask(weir, OLD_KEY)).status).toBe(429);
        const usage = JSON.stringify(await administer(weir, "/workspaces/shop/usage"));
        expect(usage).toContain('"requests":41');

        const made = await administer(weir, "/workspaces/shop/keys", { name: "door" });
        register("a key", String(made.key));
        expect((await ask(weir, String(made.key))).status).toBe(429);
        const keys = await redisCli(redis.port, ["HGETALL", "weir:{directory}:1:keys"]);
        const records = keys.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Record<string, unknown>] : []));
        expect(records.find(({ name }) => name === "till")).toMatchObject({ id: OLD_ID, sha256: DIGEST, workspace: "shop" });
        const written = records.find(({ name }) => name === "door");
        expect(written).toMatchObject({ id: expect.stringMatching(/^key_[0-9a-f]{16}$/), sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
        expect(written).toMatchObject({ workspace: "shop", createdAtMs: expect.any(Number) });
        expect(await redisCli(redis.port, ["STRLEN", "weir:1:{shop/claude}"])).toBe("4880\n");
        const total = "return (select(3, struct.unpack('>ddd', redis.call('GET', KEYS[1]))))";
        expect(await redisCli(redis.port, ["EVAL", total, "1", "weir:1:{shop/claude}"])).toBe("3\n");

        const names = async () => (await redisCli(redis.port, ["KEYS", "*"])).trim().split("\n");
        const listed = published();
        expect(listed.length).toBeGreaterThan(6);
        await eventually(async () => {
          const found = await names();
          return listed.every(({ pattern }) => found.some((name) => pattern.test(name)));
        }, "a key of each kind that docs/upgrade.md lists");
        expect((await names()).filter((name) => !listed.some(({ pattern }) => pattern.test(name)))).toEqual([]);
      } finally {
        await weir.collect();
        await weir.stop();
      }
    }, 30_000);
  }
});
