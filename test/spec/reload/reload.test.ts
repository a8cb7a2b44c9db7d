/** A configuration that changes while calls are being served. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";

const [KEY, OTHER_KEY] = ["weir_reload_first_Xk2Lm9", "weir_reload_second_Pq7Rt4"];
const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";
/** A change has to be in force within a second. */
const PROMPTLY_MS = 1_000;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

interface Variant {
  models?: string[];
  rpm?: number;
  keys?: string[];
  spoilt?: boolean;
}

function configuration({ models = ["claude"], rpm = 100_000, keys = [KEY], spoilt = false }: Variant = {}): Record<string, unknown> {
  const aws = sandbox.credentials.aws[0];
  const credentials = { access_key_id: aws?.accessKeyId, secret_access_key: aws?.secretAccessKey };
  return {
    workers: 2,
    limits: { rpm: spoilt ? "many" : rpm, tpm: 1_000_000_000 },
    upstreams: { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint: sandbox.bedrock.url, credentials } },
    models: Object.fromEntries(models.map((name) => [name, { targets: [{ upstream: "b", model: HAIKU }] }])),
    workspaces: { acme: { keys: keys.map((key, at) => keyEntry(`key-${at}`, key)) } },
  };
}

async function ask(
  weir: Weir,
  { model = "claude", key = KEY, prompt = "Hello", stream = false } = {},
): Promise<{ status: number; text: string }> {
  const body = JSON.stringify({ model, max_tokens: 50, stream, messages: [{ role: "user", content: prompt }] });
  const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
  return { status: answer.status, text: await answer.text() };
}

/** Asks until the answer has this status; fails where that takes longer than a change may. */
async function soon(status: number, question: () => Promise<{ status: number }>): Promise<void> {
  const began = performance.now();
  for (;;) {
    const answer = await question();
    if (answer.status === status) return;
    if (performance.now() - began > PROMPTLY_MS) throw new Error(`still ${answer.status} and not ${status} after ${PROMPTLY_MS} ms`);
    await Bun.sleep(10);
  }
}

const reloads = async (weir: Weir, result: string) => {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  return Number(new RegExp(`weir_config_reloads_total\\{result="${result}"\\} (\\d+)`).exec(text)?.[1]);
};

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`a changed configuration on ${runtime}`, () => {
    let weir: Weir;
    beforeAll(async () => {
      weir = await startWeir({ runtime, config: configuration() });
    }, 20_000);
    afterAll(async () => {
      await weir.collect();
      await weir.stop();
    });

    test("brings new models and keys, and takes away what is no longer there, within a second and without a failed call", async () => {
      expect((await ask(weir, { model: "new" })).status).toBe(404);
      expect((await ask(weir, { key: OTHER_KEY })).status).toBe(401);
      const statuses: number[] = [];
      let going = true;
      const load = Array.from({ length: 8 }, async () => {
        while (going) statuses.push((await ask(weir)).status);
      });
      const stream = ask(weir, { stream: true, prompt: "[sandbox: tokens=40 pace=50]" });
      weir.rewrite(configuration({ models: ["claude", "new"], keys: [KEY, OTHER_KEY] }));
      await soon(200, () => ask(weir, { model: "new" }));
      expect((await ask(weir, { key: OTHER_KEY })).status).toBe(200);
      weir.rewrite(configuration({ keys: [KEY] }));
      await soon(401, () => ask(weir, { key: OTHER_KEY }));
      await soon(404, () => ask(weir, { model: "new" }));
      going = false;
      await Promise.all(load);
      expect(statuses.length).toBeGreaterThan(50);
      expect(statuses.filter((status) => status !== 200)).toEqual([]);
      expect((await stream).text).toContain("message_stop");
      expect(await reloads(weir, "applied")).toBe(2);
    }, 15_000);

    test("changes what /docs and /openapi.json say of models", async () => {
      const said = async () =>
        await Promise.all(["/docs", "/openapi.json"].map(async (path) => await (await fetch(weir.url + path)).text()));
      const before = await said();
      for (const text of before) expect([text.includes("claude"), text.includes("described-later")]).toEqual([true, false]);
      weir.rewrite(configuration({ models: ["claude", "described-later"] }));
      await soon(200, () => ask(weir, { model: "described-later" }));
      for (const text of await said()) expect(text).toContain("described-later");
      weir.rewrite(configuration());
      await soon(404, () => ask(weir, { model: "described-later" }));
      expect(await said()).toEqual(before);
    });

    test("changes limits at once, also for what was used before", async () => {
      weir.rewrite(configuration({ rpm: 1 }));
      await soon(429, () => ask(weir));
      weir.rewrite(configuration());
      await soon(200, () => ask(weir));
    });

    test("that is bad is refused as a whole, and the one before stays in force", async () => {
      const applied = await reloads(weir, "applied");
      weir.rewrite({ ...configuration({ spoilt: true, keys: [OTHER_KEY] }) });
      const line = await weir.logged(({ message }) => String(message).includes("is refused"));
      expect(JSON.stringify(line.problems)).toContain("limits.rpm");
      expect((await ask(weir)).status).toBe(200);
      expect((await ask(weir, { key: OTHER_KEY })).status).toBe(401);
      const open = await fetch(`${weir.url}/readyz`);
      expect([open.status, await open.json()]).toEqual([200, { status: "ready" }]);
      const readiness = await fetch(`${weir.adminUrl}/readyz`);
      expect(readiness.status).toBe(200);
      expect(((await readiness.json()) as { configuration: string }).configuration).toMatch(/refused.*one before is in force/);
      expect([await reloads(weir, "refused"), await reloads(weir, "applied")]).toEqual([1, applied]);
      weir.rewrite(configuration());
    });

    test("is read on SIGHUP too, and says what waits for a restart", async () => {
      weir.rewrite({ ...configuration(), workers: 1 });
      weir.child.kill("SIGHUP");
      const line = await weir.logged(({ reason, waiting_for_restart }) => reason === "SIGHUP" && waiting_for_restart !== undefined);
      expect(line.waiting_for_restart).toEqual(["workers"]);
    });
  });
}
