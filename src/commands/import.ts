/** `keys import FILE`: copies keys and workspaces of a key file into the store of a configuration, for a gateway that moves from its file to Redis. */
import { ConfigError, type ConfigSource, readConfig } from "../config/config.ts";
import { openStore, readKeyFile } from "../directory/index.ts";
import { type DirectoryStore, DirectoryUnavailable, type Records } from "../directory/store.ts";
import type { Outcome } from "./command.ts";
import { contact } from "./contact.ts";

/** @param from - the key file, which is not changed */
export async function runImport(from: string, source: ConfigSource): Promise<Outcome> {
  let store: DirectoryStore | undefined;
  try {
    const { config } = readConfig(source);
    if (config.redis === undefined)
      return refused("The configuration has no redis: without it a key file is used as it is (directory.file).");
    const records = await readKeyFile(from);
    if (records.keys.length + records.workspaces.length === 0) return refused(`${from} holds no keys and no workspaces.`);
    store = openStore(config, () => {});
    await contact(store);
    return { text: await copied(records, store, from), exitCode: 0 };
  } catch (thrown) {
    if (thrown instanceof ConfigError || thrown instanceof DirectoryUnavailable) return refused(thrown.message);
    throw thrown;
  } finally {
    await store?.close();
  }
}

/** What is in Redis already stays as it is: it may have been changed since. */
async function copied({ keys, workspaces }: Records, store: DirectoryStore, from: string): Promise<string> {
  let madeWorkspaces = 0;
  for (const workspace of workspaces) if (await store.putWorkspace(workspace, false)) madeWorkspaces++;
  let madeKeys = 0;
  for (const key of keys) {
    if ((await store.find(key.sha256)) !== undefined) continue;
    await store.putKey(key);
    madeKeys++;
  }
  await store.touch(new Map(keys.flatMap(({ id, lastUsedAtMs }) => (lastUsedAtMs === undefined ? [] : [[id, lastUsedAtMs]]))));
  const known = keys.length - madeKeys + workspaces.length - madeWorkspaces;
  return `Copied into Redis: keys: ${madeKeys}, workspaces: ${madeWorkspaces}${known === 0 ? "" : `; ${known} were there already and are not changed`}.
Move ${from} away as soon as no gateway uses it: a second import would bring back keys that were revoked in Redis.
`;
}

function refused(message: string): Outcome {
  return { text: `weir: ${message}\n`, exitCode: 1 };
}
