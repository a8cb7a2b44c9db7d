/** Opens the store of a configuration. Each kind of store is one file, and one line here. */
import type { Config } from "../contract/config.ts";
import { FileStore } from "./file.ts";
import { RedisDirectory } from "./redis.ts";
import type { DirectoryStore, Records } from "./store.ts";

type Places = Pick<Config, "redis" | "directory">;

/** @param onWarning - gets what could lose keys, or show them to others; nothing that stops Weir */
export function openStore({ redis, directory }: Places, onWarning: (text: string) => void): DirectoryStore {
  if (redis === undefined) return new FileStore({ file: directory.file, onWarning });
  void leftBehind({ redis, directory }).then((texts) => {
    for (const text of texts) onWarning(text);
  });
  return new RedisDirectory(redis, onWarning);
}

/** What a key file holds. @throws DirectoryUnavailable where it cannot be read, or is no key file */
export async function readKeyFile(file: string): Promise<Records> {
  const store = new FileStore({ file });
  try {
    return await store.load();
  } finally {
    await store.close();
  }
}

/** For a configuration that has changed to Redis: what the earlier file still holds. Clients with a key of that file are refused. */
export async function leftBehind({ redis, directory: { file } }: Places): Promise<string[]> {
  if (redis === undefined) return [];
  const { keys, workspaces } = await readKeyFile(file).catch((): Records => ({ keys: [], workspaces: [] }));
  if (keys.length + workspaces.length === 0) return [];
  const what = `keys: ${keys.length}, workspaces: ${workspaces.length}`;
  const cure = "take them over by `weir keys import FILE`, or move the file away";
  return [`${file} is not read, because keys are kept in Redis (${what} in the file): ${cure}`];
}
