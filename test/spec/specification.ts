/** The specification of Weir, as sentences about a gateway that runs in another process. The same on every runtime. */
import { describe } from "bun:test";
import type { RuntimeName } from "../support/weir.ts";
import { specifyBodies } from "./bodies.ts";
import { specifyByok } from "./byok.ts";
import { specifyConnections } from "./connections.ts";
import { specifyCounting } from "./counting.ts";
import { specifyCrowd, specifyLostWorkers } from "./crowd.ts";
import { specifyDeadlines } from "./deadlines.ts";
import { specifyDemo } from "./demo.ts";
import { specifyEmbeddings } from "./embeddings.ts";
import { specifyFailures } from "./failures.ts";
import { specifyFidelity } from "./fidelity.ts";
import { specifyKeys } from "./keys.ts";
import { specifyLeaving } from "./leaving.ts";
import { specifyLifecycle } from "./lifecycle.ts";
import { specifyObservation, specifySecrecy } from "./observed.ts";
import { specifyOverload } from "./overload.ts";
import { specifyParameters } from "./parameters.ts";
import { specifyPublished } from "./published.ts";
import { specifyResponses } from "./responses.ts";
import { specifyRoutes } from "./routes.ts";
import { specified } from "./specified.ts";
import { specifyStreams } from "./streams.ts";
import { specifyUnified } from "./unified.ts";
import { specifyValidation } from "./validation.ts";
import { World } from "./world.ts";

export function specify(runtime: RuntimeName): void {
  describe(`weir on ${runtime}`, () => {
    const { world, quiet } = specified(new World(runtime));

    describe("routes", () => specifyRoutes(world));
    describe("connections", () => specifyConnections(world));
    describe("keys", () => specifyKeys(world));
    describe("workspaces that bring their own keys", () => specifyByok(world));
    describe("validation", () => specifyValidation(world));
    describe("parameters", () => specifyParameters(world));
    describe("the unified route", () => specifyUnified(world));
    describe("what it says of itself", () => specifyPublished(world));
    describe("fidelity", () => specifyFidelity(world));
    describe("responses", () => specifyResponses(world));
    describe("embeddings", () => specifyEmbeddings(world));
    describe("counting", () => specifyCounting(world));
    describe("bodies", () => specifyBodies(world));
    describe("overload", () => specifyOverload(world));
    describe("deadlines", () => specifyDeadlines(world));
    describe("failures", () => specifyFailures(world));
    describe("streams", () => specifyStreams(world));
    describe("clients that leave or wait", () => specifyLeaving(world));
    describe("crowds", () => specifyCrowd(world));
    describe("workers that are lost", () => specifyLostWorkers(world));
    describe("the demo", () => specifyDemo(world));
    describe("life", () => specifyLifecycle(world));
    describe("observation", () => specifyObservation(world));
    describe("in the end", () => {
      quiet.specify();
      specifySecrecy(world);
    });
  });
}
