/** Whether the upstreams would serve: asked by `weir check --online`, and shown on the admin port by the calls themselves. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server } from "node:net";
import { HealthBook } from "../../src/routing/health.ts";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { azureIn, bedrockIn, HAIKU } from "../support/upstreams.ts";
import { keyEntry, type RuntimeName, runToEnd, startWeir } from "../support/weir.ts";

const KEY = "weir_online_Tz5Mq8Rb2Kc7";

let sandbox: Sandbox;
let deaf: Server;
let deafUrl = "";
let closedUrl = "";
beforeAll(async () => {
  sandbox = await startSandbox();
  // Takes connections and says nothing.
  deaf = createServer(() => {});
  await new Promise<void>((resolve) => deaf.listen(0, "127.0.0.1", resolve));
  deafUrl = `http://127.0.0.1:${(deaf.address() as { port: number }).port}`;
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  closedUrl = `http://127.0.0.1:${(closed.address() as { port: number }).port}`;
  await new Promise<void>((resolve) => closed.close(() => resolve()));
});
afterAll(async () => {
  deaf.close();
  await sandbox.close();
});

interface Variant {
  azureKey?: string;
  secretKey?: string;
  deployment?: string;
  bedrockUrl?: string;
}

function configuration({ azureKey, secretKey, deployment = "gpt-5", bedrockUrl }: Variant = {}): Record<string, unknown> {
  const bedrock = { ...bedrockIn("eu", sandbox, { endpoint: bedrockUrl, secret: secretKey }), timeouts: { first_byte: "1s" } };
  const azure = azureIn("eu", sandbox);
  const own = azureIn("eu", sandbox, { key: azureKey });
  return {
    workers: 1,
    upstreams: { b: bedrock, a: azure, idle: azure },
    models: {
      claude: { aliases: ["haiku"], targets: [{ upstream: "b", model: HAIKU }] },
      gpt: { targets: [{ upstream: "a", model: deployment }] },
      embedding: { targets: [{ upstream: "a", model: "text-embedding-3-small" }] },
    },
    workspaces: {
      acme: { keys: [keyEntry("ci", KEY)] },
      byok: { upstreams: { own }, models: { gpt: { targets: [{ upstream: "own", model: "gpt-5" }] }, claude: {} } },
    },
  };
}

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`check --online on ${runtime}`, () => {
    const check = (variant?: Variant) => runToEnd(runtime, { config: configuration(variant), arguments: ["check", "--online"] });
    const rows = (text: string) =>
      text
        .slice(text.indexOf("Upstreams, asked"))
        .split("\n")
        .map((row) => row.trim().replaceAll(/ {2,}/g, " | "));

    test("proves each upstream's credential and each deployment, the workspaces' own too, without an answer that costs", async () => {
      const { code, stdout, stderr } = await check();
      expect([code, stderr]).toEqual([0, ""]);
      expect(rows(stdout)).toEqual([
        "Upstreams, asked just now: each accepted its credential and has its model",
        "a | gpt-5 | ok",
        "a | text-embedding-3-small | ok",
        `b | ${HAIKU} | ok`,
        "byok/own | gpt-5 | ok",
        "idle | not asked: no model uses it",
        "",
      ]);
    }, 20_000);

    test("names the upstream whose credential, deployment or address is wrong, with the cure, and exits 1", async () => {
      const wrong = { azureKey: "wrong-azure-key-1", secretKey: "wrong-secret-1", deployment: "not-there" };
      const [bad, gone, silent] = await Promise.all([check(wrong), check({ bedrockUrl: closedUrl }), check({ bedrockUrl: deafUrl })]);
      expect(bad.code).toBe(1);
      const told = rows(bad.stderr);
      expect(told[0]).toBe("Upstreams, asked just now: 3 of 4 failed");
      expect(told).toContainEqual(expect.stringMatching(/^a \| not-there \| failed: misconfigured: .*deployment/));
      expect(told).toContainEqual(expect.stringMatching(/^b \| .* \| failed: misconfigured: .*check the secret key/));
      expect(told).toContainEqual(expect.stringMatching(/^byok\/own \| gpt-5 \| failed: misconfigured: .*key/));
      for (const secret of [wrong.azureKey, wrong.secretKey]) expect(bad.stdout + bad.stderr).not.toContain(secret);
      expect([gone.code, rows(gone.stderr)]).toEqual([
        1,
        expect.arrayContaining([expect.stringMatching(/^b \| .* upstream_unreachable: /)]),
      ]);
      expect([silent.code, rows(silent.stderr)]).toEqual([
        1,
        expect.arrayContaining([expect.stringMatching(/^b \| .* upstream_timeout: /)]),
      ]);
    }, 30_000);

    test("asks no upstream where the configuration is wrong", async () => {
      const before = sandbox.calls.counts.connectionsOpened;
      const { code, stderr } = await runToEnd(runtime, { config: { ...configuration(), sever: 1 }, arguments: ["check", "--online"] });
      expect([code, stderr.includes("is not a setting"), stderr.includes("asked just now")]).toEqual([1, true, false]);
      expect(sandbox.calls.counts.connectionsOpened).toBe(before);
    }, 20_000);
  });
}

test("the admin port's /readyz has a line for each upstream, as its last calls have found it", async () => {
  const weir = await startWeir({ config: { ...configuration(), workers: 0 } });
  try {
    const ready = async () => (await (await fetch(`${weir.adminUrl}/readyz`)).json()) as Record<string, string>;
    const ask = async (prompt: string) => {
      const body = JSON.stringify({ model: "haiku", max_tokens: 5, messages: [{ role: "user", content: prompt }] });
      return (await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": KEY }, body })).status;
    };
    expect(await ready()).toMatchObject({ "upstream b": "ok: no call yet", "upstream byok/own": "ok: no call yet" });
    expect([await ask("[sandbox: status=500]"), await ask("[sandbox: status=403]")]).toEqual([500, 502]);
    expect((await ready())["upstream b"]).toMatch(/^failing since 20\d\d-.*Z: 2 calls in a row, the last misconfigured$/);
    // What is the client's fault tells nothing against the upstream.
    expect(await ask("[sandbox: too-long]")).toBe(400);
    expect((await ready())["upstream b"]).toBe("ok");
    expect(await ask("Hello")).toBe(200);
    expect((await fetch(`${weir.adminUrl}/readyz`)).status).toBe(200);
  } finally {
    await weir.stop();
  }
}, 20_000);

test("an upstream that is gone from the configuration is forgotten, and calls that were left tell nothing", () => {
  const book = new HealthBook();
  const target = (upstream: string) => ({ rank: 0, weight: 1, seed: 1, health: book.of(upstream, "m"), upstream: { maxCalls: undefined } });
  target("a").health.upstream.note("upstream_unreachable");
  target("b").health.upstream.note("cancelled");
  expect(book.lines()).toMatchObject({ "upstream a": expect.stringMatching(/^failing since/), "upstream b": "ok: no call yet" });
  book.keep([target("b")]);
  expect(book.lines()).toEqual({ "upstream b": "ok: no call yet" });
  target("a");
  expect(book.lines()).toEqual({ "upstream a": "ok: no call yet", "upstream b": "ok: no call yet" });
});
