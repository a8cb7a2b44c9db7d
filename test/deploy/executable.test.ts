/** Weir as one file: built, and started where there is nothing beside it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildExecutable, ownTarget } from "../../deploy/executable.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { anthropic, openai, type Spoken } from "../spec/dialects.ts";
import { configuration, keyOf } from "../spec/limits/world.ts";
import { runToEnd, startWeir, type Weir } from "../support/weir.ts";

setDefaultTimeout(60_000);

const target = ownTarget();

describe.skipIf(target === undefined)("the executable", () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-executable-"));
  const executable = join(folder, "weir");
  const started: Weir[] = [];
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox();
    const built = await buildExecutable(target ?? "linux-x64", join(folder, "built"));
    renameSync(built, executable);
    // It is one file: what the build has left beside that file is not needed.
    rmSync(join(folder, "built"), { recursive: true });
  });
  afterAll(async () => {
    for (const weir of started) await weir.stop("SIGKILL");
    await sandbox.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (more: Record<string, unknown>): Promise<Weir> => {
    const config = configuration(sandbox, { acme: {} }, more);
    const weir = await startWeir({ executable, config, environment: { PATH: "/nonexistent" } });
    started.push(weir);
    return weir;
  };

  const ask = async (weir: Weir, dialect: Spoken, more: object): Promise<{ status: number; text: string }> => {
    const answer = await fetch(weir.url + dialect.path, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${keyOf("acme")}` },
      body: JSON.stringify({ ...dialect.body("[sandbox: echo]hello from one file"), max_tokens: 50, ...more }),
    });
    return { status: answer.status, text: await answer.text() };
  };

  test("says its version, and what a configuration resolves to: its catalogue is in it", async () => {
    expect(readdirSync(folder)).toEqual(["weir"]);
    const version = await runToEnd("bun", { executable, arguments: ["--version"] });
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: "" });
    const upstreams = {
      "azure-eu": {
        provider: "azure",
        region: "eu",
        endpoint: "https://acme.openai.azure.com",
        credentials: { api_key: "an-azure-key-of-eu" },
      },
    };
    const checked = await runToEnd("bun", { executable, arguments: ["check"], config: { upstreams, workspaces: {} } });
    expect(checked).toMatchObject({ code: 0, stdout: expect.stringContaining("gpt-4o") });
  });

  for (const workers of [1, 0])
    test(`with ${workers === 1 ? "a worker thread" : "no thread but one"} it streams, answers whole, and weighs exactly`, async () => {
      const weir = await start({ workers });
      for (const dialect of [anthropic, openai]) {
        const streamed = await ask(weir, dialect, { stream: true });
        expect(streamed.status).toBe(200);
        expect(dialect.streamedText(streamed.text)).toContain("hello from one file");
        expect(dialect.textOf((await ask(weir, dialect, {})).text)).toContain("hello from one file");
      }
      // The tables of a tokenizer are loaded when they are first needed.
      expect((await ask(weir, openai, { model: "gpt-exact" })).status).toBe(200);
      expect(await (await fetch(`${weir.adminUrl}/metrics`)).text()).toContain("weir_worker_restarts_total 0");
    });

  test("starts itself again as several processes, and drains them", async () => {
    const weir = await start({ processes: 2, workers: 1 });
    expect((await ask(weir, openai, { stream: true })).status).toBe(200);
    expect(await (await fetch(`${weir.adminUrl}/metrics`)).text()).toContain("weir_processes 2");
    expect(await weir.stop("SIGTERM")).toBe(0);
  });
});
