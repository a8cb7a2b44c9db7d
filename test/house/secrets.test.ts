/** The search that follows the tests (`scripts/secrets.mjs`) finds secrets. */
import { afterAll, beforeEach, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findSecrets } from "../../scripts/secrets.mjs";
import { collectStore, register } from "../support/collected.ts";
import { haveRedis, redisCli, startRedis } from "../support/redis.ts";
import { keyEntry, runToEnd, startWeir } from "../support/weir.ts";

const outer = process.env.WEIR_TEST_OUTPUT;
const folders: string[] = [];
let folder = "";
const newFolder = () => {
  const made = mkdtempSync(join(tmpdir(), "weir-secrets-"));
  folders.push(made);
  return made;
};
// What is planted here must not be found in what the whole run has collected.
beforeEach(() => {
  folder = newFolder();
  process.env.WEIR_TEST_OUTPUT = folder;
});
afterAll(() => {
  if (outer === undefined) delete process.env.WEIR_TEST_OUTPUT;
  else process.env.WEIR_TEST_OUTPUT = outer;
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

const PLANTED = "weir_planted_Rk8Wm3Xz6Tb1Qd";
const madeKey = () => `weir_A1${randomBytes(32).toString("base64url").slice(2)}`;

const config = (keyName: string, key: string) => ({
  upstreams: {
    up: { provider: "azure", region: "eu", endpoint: "http://127.0.0.1:9", credentials: { api_key: "planted-azure-key-5d81" } },
  },
  models: { gpt: { targets: [{ upstream: "up", model: "gpt-4o" }] } },
  workspaces: { acme: { keys: [{ ...keyEntry("own", key), name: keyName }] } },
});

async function call(keyName: string): Promise<void> {
  const weir = await startWeir({ config: config(keyName, PLANTED) });
  const body = JSON.stringify({ model: "gpt", messages: [{ role: "user", content: "Hello" }] });
  await fetch(`${weir.url}/openai/eu/v1/chat/completions`, { method: "POST", headers: { "api-key": PLANTED }, body });
  await weir.logged(({ message }) => message === "request");
  await weir.collect();
  await weir.stop();
}

test("a gateway that says nothing of its secrets passes", async () => {
  await call("harmless");
  const { sources, secrets, found } = findSecrets(folder);
  expect(found).toEqual([]);
  expect([sources, secrets]).toEqual([4, 2]);
});

test.skipIf(!haveRedis)("a key that a Redis holds is found when the server ends", async () => {
  register("a planted key", PLANTED);
  const redis = await startRedis();
  await redisCli(redis.port, ["hset", "weir:keys", "k_1", `{"name":"ci","key":"${PLANTED}"}`]);
  await redis.stop();
  expect(findSecrets(folder).found).toEqual([expect.stringMatching(/redis\.rdb:\d+: a planted key$/)]);
});

test("a key in a gateway's log is found, and reported without being repeated", async () => {
  // The access line has the name of a key, so a key that is its own name is in that line too.
  await call(PLANTED);
  const { found } = findSecrets(folder);
  expect(found).toEqual([expect.stringMatching(/output:\d+: the key "own"$/)]);
  expect(JSON.stringify(found)).not.toContain(PLANTED);
});

test("a credential in the output of a command is found", async () => {
  const wrong = { ...config("harmless", PLANTED), server: { host: "planted-azure-key-5d81" } };
  await runToEnd("bun", { config: wrong, arguments: ["check"] });
  expect(findSecrets(folder).found).toEqual([expect.stringMatching(/command:\d+: api_key of a configuration$/)]);
});

test("a key that Weir has made is found wherever it is, and its hash, names of metrics and the demo's key are none", () => {
  const key = madeKey();
  const store = newFolder();
  writeFileSync(join(store, "weir-keys.json"), JSON.stringify({ key }));
  collectStore(store);
  expect(findSecrets(folder).found).toEqual([expect.stringMatching(/weir-keys\.json:1: a key that Weir has made$/)]);
  const [name = ""] = readdirSync(folder);
  const hash = createHash("sha256").update(key).digest("hex");
  writeFileSync(join(folder, name), `weir_${hash}\nweir_worker_event_loop_lag_seconds_and_what_else_12\nweir_demo_${key.slice(5)}\n`);
  expect(findSecrets(folder).found).toEqual([]);
});

test("npm test fails where a secret was seen, although every test has passed", () => {
  const place = newFolder();
  const harness = join(import.meta.dir, "../support/collected.ts");
  const leaking = (leaks: boolean) => {
    const file = join(place, `leaks-${leaks}.test.ts`);
    const text = `import { expect, test } from "bun:test"; import { register, source } from ${JSON.stringify(harness)};
test("leaks", () => { register("a planted prompt", "planted-prompt-77c1"); source("output")("first\\n${leaks ? "planted-prompt-77c1" : "nothing"}"); expect(1).toBe(1); });`;
    writeFileSync(file, text);
    const { WEIR_TEST_OUTPUT: _, ...environment } = process.env;
    return spawnSync(process.execPath, [join(import.meta.dir, "../../scripts/test.mjs"), file], { encoding: "utf8", env: environment });
  };
  const [leaky, tight] = [leaking(true), leaking(false)];
  expect(leaky.stdout).toContain("output:2: a planted prompt");
  expect(leaky.stdout).not.toContain("planted-prompt-77c1");
  expect(leaky.stdout).toContain("tests: 1 passed, 0 failed");
  expect(leaky.status).toBe(1);
  expect(tight.stdout).toContain("secrets: 0 found; looked for 1 in what 1");
  expect(tight.status).toBe(0);
}, 60_000);

test("what is too short to tell from a word is not looked for", () => {
  register("a short one", "k");
  expect(readdirSync(folder)).toEqual([]);
  register("a long one", "long-enough");
  expect(readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"))).toHaveLength(1);
});
