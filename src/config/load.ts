import { type ConfigSource, type LoadedConfig, readConfig } from "./config.ts";
import { Preloaded } from "./disk.ts";

/**
 * As `readConfig`, without waiting for ever: a file may lie on a mount that does not answer, and the thread may serve calls. What a configuration names is known only
 * once it was read, so that it is gone through again until no file is missing.
 * @throws ConfigError
 */
export async function loadConfig(source: Omit<ConfigSource, "files">, read: Map<string, string> = new Map()): Promise<LoadedConfig> {
  const files = new Preloaded();
  for (;;) {
    read.clear();
    let outcome: () => LoadedConfig;
    try {
      const loaded = readConfig({ ...source, files }, read);
      outcome = () => loaded;
    } catch (thrown) {
      outcome = () => {
        throw thrown;
      };
    }
    if (!(await files.load())) return outcome();
  }
}
