/** From the key file to Redis: what an operator sees, and what takes the keys over. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileStore } from "../../../src/directory/file.ts";
import { keyId, type StoredKey } from "../../../src/directory/store.ts";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { register } from "../../support/collected.ts";
import { haveRedis, type RedisServer, redisCli, startRedis } from "../../support/redis.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually } from "../../support/waits.ts";
import { runToEnd, startWeir, type Weir } from "../../support/weir.ts";

const TIMEOUT_MS = 30_000;
const KEYS = ["weir_moving_Rk4v9Qm2Zs", "weir_moving_Hx7Tn3Lw5c"] as const;

function stored(key: string, workspace: string): StoredKey {
  register("a key that moves", key);
  const sha256 = createHash("sha256").update(key).digest("hex");
  const name = workspace;
  return {
    id: keyId(sha256),
    sha256,
    name,
    workspace,
    createdAtMs: 1_700_000_000_000,
    expiresAtMs: undefined,
    lastUsedAtMs: 1_700_003_600_000,
  };
}

describe.skipIf(!haveRedis)("a gateway that moves from its file to Redis", () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-moving-"));
  const file = join(folder, "weir-keys.json");
  const environment = { WEIR_ADMIN_URL: "", WEIR_CONFIG: "" };
  let redis: RedisServer;
  let sandbox: Sandbox;
  let weir: Weir | undefined;
  let config: Record<string, unknown> = {};
  const run = (...words: string[]) => runToEnd("bun", { arguments: words, config, environment, folder });
  const call = async (key: string): Promise<number> => {
    const body = JSON.stringify({ model: "claude", max_tokens: 20, messages: [{ role: "user", content: "Hello" }] });
    const answer = await fetch(`${weir?.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
    await answer.text();
    return answer.status;
  };

  beforeAll(async () => {
    [redis, sandbox] = await Promise.all([startRedis(), startSandbox()]);
    config = {
      workers: 1,
      redis: { url: redis.url },
      upstreams: { b: bedrockIn("eu", sandbox) },
      models: { claude: { targets: [{ upstream: "b", model: HAIKU }] } },
      workspaces: { acme: { default_region: "eu" } },
    };
    const store = new FileStore({ file });
    await store.putWorkspace({ name: "team", defaultRegion: "eu", limits: { rpm: 7 }, models: {}, createdAtMs: 1 } as never, false);
    await store.putKey(stored(KEYS[0], "acme"));
    await store.putKey(stored(KEYS[1], "team"));
    await store.close();
  }, TIMEOUT_MS);
  afterAll(async () => {
    await weir?.stop("SIGKILL");
    await Promise.all([redis.stop(), sandbox.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "its start and check --online say that the file's keys are not read, and how to take them over",
    async () => {
      weir = await startWeir({ config, environment, folder });
      const { message } = await weir.logged((line) => String(line.message).includes("is not read"));
      expect(message).toBe(
        `${file} is not read, because keys are kept in Redis (keys: 2, workspaces: 1 in the file): take them over by \`weir keys import FILE\`, or move the file away`,
      );
      // It does not say that Redis is back: Redis was never away.
      await weir.logged((line) => line.message === "limits are kept in Redis");
      expect(weir.output()).not.toContain("back on Redis");
      expect(await call(KEYS[0])).toBe(401);
      const { code, stdout } = await run("check", "--online");
      expect(code).toBe(0);
      expect(stdout).toContain("Redis, asked just now: it answers, and holds keys: 0, workspaces: 0\n");
      expect(stdout).toContain(`  ${file} is not read`);
      expect(stdout).toContain("  keys are kept in Redis, but appendonly is off");
    },
    TIMEOUT_MS,
  );

  test(
    "takes keys and workspaces over under way, and a second time changes nothing",
    async () => {
      const first = await run("keys", "import", file);
      expect([first.code, first.stderr]).toEqual([0, ""]);
      expect(first.stdout).toStartWith("Copied into Redis: keys: 2, workspaces: 1.\n");
      for (const key of KEYS) {
        await eventually(async () => (await call(key)) === 200, "the key to work");
      }
      const again = await run("keys", "import", file);
      expect(again.stdout).toStartWith("Copied into Redis: keys: 0, workspaces: 0; 3 were there already and are not changed.\n");
      const list = await run("keys", "list", "--workspace", "team");
      expect(list.stdout).toMatch(/team +redis +2023-11-14T22:13:20Z +20\d\d-/);
    },
    TIMEOUT_MS,
  );

  test(
    "says what is wrong with a file or a configuration that cannot be used, and changes nothing",
    async () => {
      const before = await redisCli(redis.port, ["hlen", "weir:{directory}:1:keys"]);
      const broken = join(folder, "broken.json");
      writeFileSync(broken, "{");
      for (const [words, told] of [
        [["keys", "import", broken], "is not JSON"],
        [["keys", "import", join(folder, "nowhere.json")], "holds no keys and no workspaces"],
      ] as const) {
        const { code, stderr } = await run(...words);
        expect([code, stderr]).toEqual([1, expect.stringContaining(told)]);
      }
      const { redis: _, ...without } = config;
      const refused = await runToEnd("bun", { arguments: ["keys", "import", file], config: without, environment });
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("has no redis")]);
      const asked = await run("keys", "import", file, "--url", "http://127.0.0.1:9");
      expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining("keys import takes no --url")]);
      expect(await redisCli(redis.port, ["hlen", "weir:{directory}:1:keys"])).toBe(before);
    },
    TIMEOUT_MS,
  );

  test(
    "check --online exits 1 where Redis does not answer",
    async () => {
      const dead = { ...config, redis: { url: "redis://127.0.0.1:1" } };
      const { code, stderr } = await runToEnd("bun", { arguments: ["check", "--online"], config: dead, environment });
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/Redis, asked just now: failed: Redis cannot be used now \(no connection\)/),
      ]);
    },
    TIMEOUT_MS,
  );
});
