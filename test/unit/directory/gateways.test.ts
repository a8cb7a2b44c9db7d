/** Real gateways over one directory, changed from another process: this one. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileStore } from "../../../src/directory/file.ts";
import { RedisDirectory } from "../../../src/directory/redis.ts";
import { Replica } from "../../../src/directory/replica.ts";
import type { DirectoryStore } from "../../../src/directory/store.ts";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { load } from "../../support/config-sample.ts";
import { haveRedis, type RedisServer, redisCli, startRedis } from "../../support/redis.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually, promptly } from "../../support/waits.ts";
import { startWeir, type Weir } from "../../support/weir.ts";
import { settings } from "../limiter/fixture.ts";
import { NO_LIMITS } from "./stored.ts";

const FLOOD = 20_000;
const AT_ONCE = 64;
const MEGABYTE = 1024 * 1024;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

function configuration(more: Record<string, unknown>): Record<string, unknown> {
  return {
    workers: 1,
    limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
    upstreams: { b: bedrockIn("eu", sandbox) },
    models: { claude: { targets: [{ upstream: "b", model: HAIKU }] } },
    workspaces: { acme: { default_region: "eu" } },
    ...more,
  };
}

async function ask(weir: Weir, key: string): Promise<number> {
  const body = JSON.stringify({ model: "claude", max_tokens: 5, messages: [{ role: "user", content: "Hello" }] });
  const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
  await answer.text();
  return answer.status;
}

/** A replica of the store, as another gateway or the command line has it. */
async function openReplica(store: DirectoryStore): Promise<Replica> {
  const { config } = load(JSON.stringify(configuration({})));
  const replica = new Replica(config, store);
  await eventually(() => store.load().then(Boolean, () => false), "the store answers");
  await replica.refresh();
  return replica;
}

const unknownKey = (): string => `weir_${randomBytes(32).toString("base64url")}`;
const shop = { name: "shop", defaultRegion: "eu", limits: { ...NO_LIMITS, rpm: 3 }, models: {} };

async function servesWithinItsLimits(weir: Weir, replica: Replica): Promise<void> {
  await replica.createWorkspace(shop);
  const { key } = await replica.createKey("shop", { name: "till", expiresAtMs: undefined });
  await promptly(async () => (await ask(weir, key)) === 200, "the workspace is served");
  const statuses = [await ask(weir, key), await ask(weir, key), await ask(weir, key)];
  expect(statuses).toEqual([200, 200, 429]);
  await replica.removeWorkspace("shop");
  await promptly(async () => (await ask(weir, key)) === 401, "its key is refused");
}

describe.skipIf(!haveRedis)("two gateways on one Redis", () => {
  let redis: RedisServer;
  let gateways: Weir[];
  let replica: Replica;

  beforeAll(async () => {
    redis = await startRedis(["--appendonly", "yes"]);
    const config = configuration({ redis: { url: redis.url } });
    gateways = await Promise.all([startWeir({ config }), startWeir({ config })]);
    replica = await openReplica(new RedisDirectory(settings(redis.url)));
  }, 30_000);
  afterAll(async () => {
    await replica.close();
    for (const weir of gateways) weir.child.kill("SIGKILL");
    await redis.stop();
  });

  const everywhere = (key: string): Promise<number[]> => Promise.all(gateways.map((weir) => ask(weir, key)));

  test("a key works on both the moment it is made, and is refused on both within a second after it is revoked", async () => {
    for (let at = 0; at < 10; at++) {
      const { key, entry } = await replica.createKey("acme", { name: `key-${at}`, expiresAtMs: undefined });
      expect(await everywhere(key)).toEqual([200, 200]);
      await replica.revokeKey(entry.id);
      await promptly(async () => (await everywhere(key)).every((status) => status === 401), "it is refused on both");
    }
  }, 20_000);

  test("a workspace made at run time serves calls within its own limits", async () => {
    for (const weir of gateways) {
      await servesWithinItsLimits(weir, replica);
      // The limits are shared: the other one begins with windows of its own.
      await redisCli(redis.port, ["del", "weir:1:{shop/claude}", "weir:1:{shop/claude}:s"]);
    }
  }, 20_000);

  test("a flood of keys that do not exist reaches Redis seldom and fills no memory", async () => {
    const [weir] = gateways;
    if (weir === undefined) throw new Error("no gateway");
    const memory = () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${weir.child.pid}/status`, "utf8"))?.[1]) * 1024;
    const asked = async () => Number(/cmdstat_hget:calls=(\d+)/.exec(await redisCli(redis.port, ["info", "commandstats"]))?.[1] ?? 0);
    const flood = async (count: number) => {
      let left = count;
      const one = async () => {
        while (left-- > 0) {
          const answer = await fetch(`${weir.url}/anthropic/eu/v1/models`, { headers: { "x-api-key": unknownKey() } });
          await answer.text();
          if (answer.status !== 401) throw new Error(`a key that does not exist was answered ${answer.status}`);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, one));
    };
    await flood(5_000);
    const [memoryBefore, askedBefore, beganMs] = [memory(), await asked(), performance.now()];
    await flood(FLOOD);
    const seconds = (performance.now() - beganMs) / 1000;
    expect((await asked()) - askedBefore).toBeLessThan(100 * (seconds + 1) + 1);
    expect(memory() - memoryBefore).toBeLessThan(100 * MEGABYTE);
  }, 60_000);

  test("while Redis is away known keys work, revoked ones stay refused, unknown ones are refused quickly; then all is as before", async () => {
    const known = await replica.createKey("acme", { name: "known", expiresAtMs: undefined });
    const revoked = await replica.createKey("acme", { name: "revoked", expiresAtMs: undefined });
    for (const { key } of [known, revoked]) expect(await everywhere(key)).toEqual([200, 200]);
    await replica.revokeKey(revoked.entry.id);
    await promptly(async () => (await everywhere(revoked.key)).every((status) => status === 401), "it is refused on both");
    await redis.kill();
    expect(await everywhere(known.key)).toEqual([200, 200]);
    expect(await everywhere(revoked.key)).toEqual([401, 401]);
    const beganMs = performance.now();
    expect(await everywhere(unknownKey())).toEqual([401, 401]);
    // At once, and not after the second that a silent Redis has.
    expect(performance.now() - beganMs).toBeLessThan(900);
    expect(String(await replica.createKey("acme", { name: "never", expiresAtMs: undefined }).catch((thrown: unknown) => thrown))).toContain(
      "Redis cannot be used",
    );
    await redis.start();
    const areBack = async () => {
      const made = await replica.createKey("acme", { name: "after", expiresAtMs: undefined }).catch(() => undefined);
      return made !== undefined && (await everywhere(made.key)).every((status) => status === 200);
    };
    await eventually(areBack, "the gateways are back");
    expect(await everywhere(known.key)).toEqual([200, 200]);
    expect(await everywhere(revoked.key)).toEqual([401, 401]);
  }, 30_000);

  test("a gateway that starts knows the workspaces and keys that are stored", async () => {
    await replica.createWorkspace({ ...shop, name: "stored" });
    const { key } = await replica.createKey("stored", { name: "till", expiresAtMs: undefined });
    const weir = await startWeir({ config: configuration({ redis: { url: redis.url } }) });
    try {
      expect(await ask(weir, key)).toBe(200);
      expect(weir.log().filter(({ level }) => level === "error")).toEqual([]);
    } finally {
      weir.child.kill("SIGKILL");
    }
  }, 20_000);
});

describe("a gateway on a key file", () => {
  let folder: string;
  let weir: Weir;
  let replica: Replica;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "weir-keys-"));
    const file = join(folder, "keys.json");
    weir = await startWeir({ config: configuration({ directory: { file } }) });
    replica = await openReplica(new FileStore({ file }));
  }, 30_000);
  afterAll(async () => {
    await replica.close();
    weir.child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  test("notices keys that another process makes and revokes within a second", async () => {
    const { key, entry } = await replica.createKey("acme", { name: "laptop", expiresAtMs: undefined });
    await promptly(async () => (await ask(weir, key)) === 200, "it works");
    await replica.revokeKey(entry.id);
    await promptly(async () => (await ask(weir, key)) === 401, "it is refused");
    expect(readFileSync(join(folder, "keys.json"), "utf8")).not.toContain(createHash("sha256").update(key).digest("hex"));
  });

  test("a workspace made at run time serves calls within its own limits", async () => {
    await servesWithinItsLimits(weir, replica);
  });
});
