/** `check --online`: whether the Redis of a configuration answers, and what would lose keys there. */
import { withoutSecrets } from "../config/shown.ts";
import type { Config } from "../contract/config.ts";
import { leftBehind, openStore } from "../directory/index.ts";
import { contact } from "./contact.ts";
import type { Outcome } from "./outcome.ts";

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
