import { afterAll, beforeAll, describe } from "bun:test";
import { World } from "../world.ts";
import { specifyFallback } from "./fallback.ts";

for (const [runtime, workers] of [
  ["bun", 2],
  ["bun", 0],
  ["deno", 2],
] as const) {
  describe(`weir on ${runtime} with ${workers} workers`, () => {
    const world = new World(runtime, workers);
    beforeAll(() => world.start(), 30_000);
    afterAll(() => world.stop());
    specifyFallback(world);
  });
}
