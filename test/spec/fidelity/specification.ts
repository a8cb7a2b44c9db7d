/** What the gateway makes of requests that clouds refuse, and of the models that differ: the same on every runtime. */
import { afterAll, beforeAll, describe } from "bun:test";
import type { RuntimeName } from "../../support/weir.ts";
import { specifyAgents } from "./agents.ts";
import { specifyAzureReports } from "./azure-reports.ts";
import { specifyBedrockReports } from "./bedrock-reports.ts";
import { specifyBytes } from "./bytes.ts";
import { specifyCosts } from "./costs.ts";
import { specifyKept } from "./kept.ts";
import { specifyLoops } from "./loops.ts";
import { specifyModels } from "./models.ts";
import { FidelityWorld } from "./world.ts";

export function specifyTruth(runtime: RuntimeName): void {
  describe(`true to the clouds, on ${runtime}`, () => {
    const world = new FidelityWorld(runtime);
    beforeAll(() => world.start(), 30_000);
    afterAll(() => world.stop());
    describe("reports of Bedrock", () => specifyBedrockReports(world));
    describe("reports of Azure", () => specifyAzureReports(world));
    describe("every model of the catalogue", () => specifyModels(world));
    specifyCosts(world);
    describe("bytes", () => specifyBytes(world));
    describe("answers that are kept", () => specifyKept(world));
    describe("coding agents", () => specifyAgents(world));
    describe("loops of tools", () => specifyLoops(world));
  });
}
