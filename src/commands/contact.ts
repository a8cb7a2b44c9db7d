import type { DirectoryStore, Records } from "../directory/store.ts";

const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 50;

/** Waits for the first answer: a connection takes its time. @throws DirectoryUnavailable */
export async function contact(store: DirectoryStore): Promise<Records> {
  const untilMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await store.load();
    } catch (thrown) {
      if (performance.now() > untilMs) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
  }
}
