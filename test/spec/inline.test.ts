/** What of the specification depends on which thread does the work, of gateways without a worker (`workers: 0`). */
import { describe, expect } from "bun:test";
import { eventually } from "../support/waits.ts";
import type { RuntimeName } from "../support/weir.ts";
import { specifyBodies } from "./bodies.ts";
import { specifyCounting } from "./counting.ts";
import { specifyCrowd } from "./crowd.ts";
import { specifyDeadlines } from "./deadlines.ts";
import { openai } from "./dialects.ts";
import { specifyFailures } from "./failures.ts";
import { specifyFidelity } from "./fidelity.ts";
import { specifyLeaving } from "./leaving.ts";
import { specifyLifecycle } from "./lifecycle.ts";
import { specifySecrecy } from "./observed.ts";
import { specifyOverload } from "./overload.ts";
import { specified } from "./specified.ts";
import { specifyStreams } from "./streams.ts";
import { specifyUnified } from "./unified.ts";
import { ADMIN_TOKEN, World } from "./world.ts";

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`weir on ${runtime}, without workers`, () => {
    const { world, quiet } = specified(new World(runtime, 0));

    describe("the unified route", () => specifyUnified(world));
    describe("fidelity", () => specifyFidelity(world));
    describe("counting", () => specifyCounting(world));
    describe("bodies", () => specifyBodies(world));
    describe("overload", () => specifyOverload(world));
    describe("deadlines", () => specifyDeadlines(world));
    describe("failures", () => specifyFailures(world));
    describe("streams", () => specifyStreams(world));
    describe("clients that leave or wait", () => specifyLeaving(world));
    describe("crowds", () => specifyCrowd(world));
    describe("life", () => specifyLifecycle(world));

    world.sentence("it says so, and there is no worker that a drill could end", async () => {
      const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
      expect(await (await fetch(`${weir.adminUrl}/readyz`)).json()).toMatchObject({ workers: "none, by configuration" });
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      expect((await fetch(`${weir.adminUrl}/admin/v1/chaos/worker`, { method: "POST", headers })).status).toBe(503);
      expect((await fetch(`${weir.url}/healthz`)).status).toBe(200);
      weir.child.kill("SIGKILL");
    });

    world.sentence("a changed configuration is in force without a restart, and the calls that are open keep theirs", async () => {
      const weir = await world.another();
      const open = world.open(openai, { stream: true, prompt: "[sandbox: tokens=30 pace=50]" }, weir);
      await open.until((text) => openai.streamedText(text) !== "");
      const config = world.configuration();
      const models = config.models as Record<string, unknown>;
      weir.rewrite({ ...config, models: { ...models, late: models.gpt } });
      const more = { model: "late" };
      await eventually(async () => (await world.ask(openai, { more }, weir)).status === 200, "the new model");
      expect(openai.isComplete((await open.answered).text)).toBe(true);
      weir.child.kill("SIGKILL");
    });

    world.sentence("several processes of one thread each share a port", async () => {
      const weir = await world.another({ config: { ...world.configuration(), processes: 2 } });
      expect(await (await fetch(`${weir.adminUrl}/readyz`)).json()).toMatchObject({ workers: "none, by configuration (in each process)" });
      const answered = await Promise.all(Array.from({ length: 8 }, () => world.ask(openai, {}, weir)));
      expect(answered.map(({ status }) => status)).toEqual(answered.map(() => 200));
      expect(await weir.stop("SIGTERM")).toBe(0);
    });

    describe("in the end", () => {
      quiet.specify();
      specifySecrecy(world);
    });
  });
}
