/** Reaching the store of a configuration. */
import { withoutSecrets } from "../config/shown.ts";
import type { Config } from "../contract/config.ts";
import { leftBehind, openStore } from "../directory/index.ts";
import type { DirectoryStore, Records } from "../directory/store.ts";
import type { Outcome } from "./command.ts";

const PATIENCE_MS = 2_000;
const LOOK_EVERY_MS = 50;

/** Waits for the first answer, because a connection may not be open at once. @throws DirectoryUnavailable */
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

/** `check --online`: whether the Redis of a configuration answers, and which of its settings may lose keys. */
export async function askStore(config: Config): Promise<Outcome> {
  const store = openStore(config, () => {});
  try {
    const { keys, workspaces } = await contact(store);
    const warnings = [...((await store.risks?.()) ?? []), ...(await leftBehind(config))];
    const found = `it answers, and holds keys: ${keys.length}, workspaces: ${workspaces.length}`;
    return {
      text: [`Redis, asked just now: ${found}`, ...warnings.map((text) => `  ${withoutSecrets(text)}`), ""].join("\n"),
      exitCode: 0,
    };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { text: `Redis, asked just now: failed: ${withoutSecrets(reason)}\n`, exitCode: 1 };
  } finally {
    await store.close();
  }
}
