import { afterAll, beforeAll } from "bun:test";
import { QuietStreams } from "./streams.ts";
import type { World } from "./world.ts";

/** Starts what the sentences of this block are about before them, with the streams that have to be quiet for long, and stops it after them. */
export function specified(world: World): { world: World; quiet: QuietStreams } {
  const quiet = new QuietStreams(world);
  beforeAll(async () => {
    await world.start();
    await quiet.begin();
  }, 30_000);
  afterAll(() => world.stop());
  return { world, quiet };
}
