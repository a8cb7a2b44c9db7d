/** A configuration that changes while calls are being served. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { ask, becomes, configuration as configurationOf, KEY, reloads, SECOND_KEY, type Variant } from "./world.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const configuration = (variant?: Variant) => configurationOf(sandbox, variant);

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
      expect((await ask(weir, { key: SECOND_KEY })).status).toBe(401);
      const statuses: number[] = [];
      let going = true;
      const load = Array.from({ length: 8 }, async () => {
        while (going) statuses.push((await ask(weir)).status);
      });
      const stream = ask(weir, { stream: true, prompt: "[sandbox: tokens=40 pace=50]" });
      weir.rewrite(configuration({ models: ["new"], keys: [KEY, SECOND_KEY] }));
      await becomes(weir, 200, { model: "new" });
      expect((await ask(weir, { key: SECOND_KEY })).status).toBe(200);
      weir.rewrite(configuration({ keys: [KEY] }));
      await becomes(weir, 401, { key: SECOND_KEY });
      await becomes(weir, 404, { model: "new" });
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
      weir.rewrite(configuration({ models: ["described-later"] }));
      await becomes(weir, 200, { model: "described-later" });
      for (const text of await said()) expect(text).toContain("described-later");
      weir.rewrite(configuration());
      await becomes(weir, 404, { model: "described-later" });
      expect(await said()).toEqual(before);
    });

    test("changes limits at once, also for what was used before", async () => {
      expect((await ask(weir, { model: "limited" })).status).toBe(200);
      weir.rewrite(configuration({ rpm: 1 }));
      await becomes(weir, 429, { model: "limited" });
      weir.rewrite(configuration());
      await becomes(weir, 200, { model: "limited" });
    });

    test("that is bad is refused as a whole, and the one before stays in force", async () => {
      const applied = await reloads(weir, "applied");
      weir.rewrite({ ...configuration({ keys: [SECOND_KEY] }), limits: { rpm: "many" } });
      const line = await weir.logged(({ message }) => String(message).includes("is refused"));
      expect(JSON.stringify(line.problems)).toContain("limits.rpm");
      expect((await ask(weir)).status).toBe(200);
      expect((await ask(weir, { key: SECOND_KEY })).status).toBe(401);
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
