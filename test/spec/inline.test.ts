/** What of the specification depends on which thread does the work, of gateways without a worker (`workers: 0`). */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import type { RuntimeName } from "../harness/weir.ts";
import { specifyBodies } from "./bodies.ts";
import { specifyCounting } from "./counting.ts";
import { specifyCrowd } from "./crowd.ts";
import { specifyFailures } from "./failures.ts";
import { specifyFidelity } from "./fidelity.ts";
import { specifyLeaving } from "./leaving.ts";
import { specifySecrecy } from "./observed.ts";
import { QuietStreams, specifyStreams } from "./streams.ts";
import { specifyUnified } from "./unified.ts";
import { ADMIN_TOKEN, World } from "./world.ts";

for (const runtime of ["bun", "deno"] satisfies RuntimeName[]) {
  describe(`weir on ${runtime}, without workers`, () => {
    const world = new World(runtime, 0);
    const quiet = new QuietStreams(world);
    beforeAll(async () => {
      await world.start();
      await quiet.begin();
    }, 30_000);
    afterAll(() => world.stop());

    describe("the unified route", () => specifyUnified(world));
    describe("fidelity", () => specifyFidelity(world));
    describe("counting", () => specifyCounting(world));
    describe("bodies", () => specifyBodies(world));
    describe("failures", () => specifyFailures(world));
    describe("streams", () => specifyStreams(world));
    describe("clients that leave or wait", () => specifyLeaving(world));
    describe("crowds", () => specifyCrowd(world));

    world.sentence("it says so, and there is no worker that a drill could end", async () => {
      const weir = await world.another({ environment: { WEIR_CHAOS: "1" } });
      expect(await (await fetch(`${weir.url}/readyz`)).json()).toMatchObject({ workers: "none, by configuration" });
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      expect((await fetch(`${weir.adminUrl}/admin/v1/chaos/worker`, { method: "POST", headers })).status).toBe(503);
      expect((await fetch(`${weir.url}/healthz`)).status).toBe(200);
      weir.child.kill("SIGKILL");
    });

    describe("in the end", () => {
      quiet.specify();
      specifySecrecy(world);
    });
  });
}
