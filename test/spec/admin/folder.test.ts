/** Commands find the gateway of the folder that they are typed in: the sandbox, or the one of `weir.yaml`. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { register } from "../../support/collected.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually, freePort } from "../../support/waits.ts";
import { runToEnd, startWeir, type Weir } from "../../support/weir.ts";

const TIMEOUT_MS = 30_000;

async function status({ url }: Weir, key: string, model: string): Promise<number> {
  const body = JSON.stringify({ model, max_tokens: 20, messages: [{ role: "user", content: "Hello" }] });
  const answer = await fetch(`${url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
  await answer.text();
  return answer.status;
}

describe("in the folder of a sandbox", () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-folder-"));
  const environment: Record<string, string> = { WEIR_ADMIN_URL: "", WEIR_ADMIN_TOKEN: "", WEIR_CONFIG: "" };
  const run = (...words: string[]) => runToEnd("bun", { arguments: words, environment, folder });
  let weir: Weir;
  let key = "";
  beforeAll(async () => {
    environment.ADMIN_PORT = String(await freePort());
    weir = await startWeir({ environment: { ...environment, PORT: "0" }, folder });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await weir.stop("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "workspaces and keys are made without an address and without a token",
    async () => {
      const team = await run("workspaces", "create", "team", "--default-region", "eu", "--tpm", "250000");
      expect([team.code, team.stderr]).toEqual([0, ""]);
      expect(team.stdout).toContain("Each model may use the configuration's number of requests and 250000 tokens per minute.");
      const made = await run("keys", "create", "--workspace", "team", "--name", "me", "--json");
      expect([made.code, made.stderr]).toEqual([0, ""]);
      key = JSON.parse(made.stdout).key;
      register("the key of a sandbox", key);
      expect(await status(weir, key, "claude-sonnet-5")).toBe(200);
    },
    TIMEOUT_MS,
  );

  test(
    "usage shows the models that were called, and sums up the rest of the catalogue",
    async () => {
      const { code, stdout } = await run("workspaces", "usage", "team");
      expect(code).toBe(0);
      const [recent = "", days = ""] = stdout.split("\nDays\n");
      expect(recent).toMatch(
        /^The last 60 seconds\n {2}MODEL +REQUESTS +TOKENS\n {2}claude-sonnet-5 +1 of 500 +\d+ of 250000\n\n\d+ models have had no call/,
      );
      expect(recent).toContain("no call in the last 60 seconds: each may use 500 requests and 250000 tokens per minute.\n");
      expect(days).toMatch(/claude-sonnet-5 +1 /);
    },
    TIMEOUT_MS,
  );

  test(
    "a limit is raised, and what is not named stays as it is",
    async () => {
      const changed = await run("workspaces", "update", "team", "--rpm", "7");
      expect([changed.code, changed.stdout]).toEqual([0, "team is changed. Each model may use 7 requests and 250000 tokens per minute.\n"]);
      const { stdout } = await run("workspaces", "list");
      const rows = stdout
        .trimEnd()
        .split("\n")
        .map((row) => row.trim().split(/ {2,}/));
      expect(rows).toEqual([
        ["NAME", "KEPT IN", "REGION", "RPM", "TPM", "KEYS"],
        ["demo", "config", "eu", "default", "default", "1"],
        ["team", "file", "eu", "7", "250000", "1"],
      ]);
      const nothing = await run("workspaces", "update", "team");
      expect([nothing.code, nothing.stderr]).toEqual([
        2,
        "weir: workspaces update: give at least one of --default-region, --rpm, --tpm and --max-concurrent.\n",
      ]);
    },
    TIMEOUT_MS,
  );

  test(
    "the sandbox's token is for its own machine: another gateway is not sent it",
    async () => {
      const { code, stderr } = await run("workspaces", "list", "--url", "http://192.0.2.1:9090");
      expect([code, stderr]).toEqual([2, expect.stringContaining("The admin token is missing")]);
      const own = await run("workspaces", "list", "--url", `http://localhost:${environment.ADMIN_PORT}`);
      expect([own.code, own.stderr]).toEqual([0, ""]);
    },
    TIMEOUT_MS,
  );

  test(
    "check tells where the sandbox's keys and token are",
    async () => {
      const { stdout } = await run("check");
      expect(stdout).toMatch(/ token +in \.weir-sandbox\.json, which/);
      expect(stdout).toMatch(/keys +\.weir-sandbox-keys\.json\n/);
    },
    TIMEOUT_MS,
  );

  test(
    "what was made in a sandbox opens nothing once the folder has a configuration",
    async () => {
      expect(existsSync(join(folder, ".weir-sandbox-keys.json"))).toBe(true);
      expect(existsSync(join(folder, "weir-keys.json"))).toBe(false);
      await weir.stop();
      const stopped = await run("workspaces", "list");
      expect([stopped.code, stopped.stderr]).toEqual([
        1,
        expect.stringContaining(`No gateway answers at http://127.0.0.1:${environment.ADMIN_PORT}`),
      ]);
      const sandbox = await startSandbox();
      const real = await startWeir({ config: configuration(sandbox), folder });
      try {
        expect(await status(real, key, "claude")).toBe(401);
        // The demo's key is not listed either.
        const demo = JSON.parse(readFileSync(join(folder, ".weir-sandbox.json"), "utf8")).key as string;
        expect(await status(real, demo, "claude")).toBe(401);
      } finally {
        await real.stop();
        await sandbox.close();
      }
    },
    TIMEOUT_MS,
  );
});

function configuration(sandbox: Sandbox, admin: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    workers: 1,
    admin,
    upstreams: { b: bedrockIn("eu", sandbox) },
    models: { claude: { targets: [{ upstream: "b", model: HAIKU }] } },
    workspaces: { team: { default_region: "eu", limits: { rpm: 9 } } },
  };
}

describe("in the folder of a configuration", () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-folder-"));
  const token = "folder-admin-token-7d1c55e0a9";
  const environment: Record<string, string> = { WEIR_ADMIN_URL: "", WEIR_ADMIN_TOKEN: "", WEIR_CONFIG: "" };
  const run = (...words: string[]) => runToEnd("bun", { arguments: words, environment, folder });
  let sandbox: Sandbox;
  let weir: Weir;
  let port = 0;
  beforeAll(async () => {
    port = await freePort();
    sandbox = await startSandbox();
    register("the admin token of a folder", token);
    writeFileSync(join(folder, "admin-token"), `${token}\n`);
    weir = await startWeir({ config: configuration(sandbox, { port, token_file: "admin-token" }), folder });
  }, TIMEOUT_MS);
  afterAll(async () => {
    await weir.stop("SIGKILL");
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "keys are made in its store, and usage is asked of its gateway, which alone knows it",
    async () => {
      const made = await run("keys", "create", "--workspace", "team", "--name", "me", "--json");
      const { key } = JSON.parse(made.stdout);
      register("the key of a folder", key);
      await eventually(async () => (await status(weir, key, "claude")) === 200, "the gateway to know the key");
      const { code, stdout, stderr } = await run("workspaces", "usage", "team");
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toMatch(/claude +1 of 9 +\d+ of 60000\n/);
    },
    TIMEOUT_MS,
  );

  test(
    "its token goes to its own gateway alone",
    async () => {
      const own = await run("workspaces", "list", "--url", `http://127.0.0.1:${port}`);
      expect([own.code, own.stderr]).toEqual([0, ""]);
      for (const other of [`http://127.0.0.1:${port === 65_535 ? port - 1 : port + 1}`, `http://192.0.2.1:${port}`]) {
        const { code, stderr } = await run("workspaces", "list", "--url", other);
        expect([other, code, stderr]).toEqual([other, 2, expect.stringContaining("The admin token is missing")]);
      }
      const wrong = await run("workspaces", "list", "--url", `http://127.0.0.1:${port}`, "--token", "another");
      expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("The admin token is wrong.")]);
    },
    TIMEOUT_MS,
  );
});

test("in any other folder a command says what it would need", async () => {
  const environment = { WEIR_ADMIN_URL: "", WEIR_ADMIN_TOKEN: "", WEIR_CONFIG: "" };
  const { code, stderr } = await runToEnd("bun", { arguments: ["keys", "list", "--workspace", "demo"], environment });
  expect([code, stderr]).toEqual([
    1,
    "weir: Nothing is configured here, and there is no sandbox: start the sandbox in this folder, or name a configuration with --config, or a running gateway with --url.\n",
  ]);
});
