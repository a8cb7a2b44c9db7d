/** Which store a configuration means. A store is one file and one line here. */
import type { Config } from "../contract/config.ts";
import { FileStore } from "./file.ts";
import { RedisDirectory } from "./redis.ts";
import type { DirectoryStore } from "./store.ts";

/** @param onWarning - What would lose keys, or show them to others; nothing that stops Weir. */
export function openStore({ redis, directory }: Pick<Config, "redis" | "directory">, onWarning: (text: string) => void): DirectoryStore {
  return redis === undefined ? new FileStore({ file: directory.file, onWarning }) : new RedisDirectory(redis, onWarning);
}
