import { Keyring } from "./auth.ts";
import { Catalog } from "./catalog.ts";
import { FileWatch } from "./config/watch.ts";
import { ConfigError, type ConfigSource, type LoadedConfig, readConfig } from "./config.ts";
import { type Config, FIXED, withFixed } from "./contract/config.ts";
import type { Gateway } from "./gateway.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Pool } from "./pool.ts";

export interface ReloadParts {
  gateway: Gateway;
  pool: Pool;
  metrics: Metrics;
  log: Logger;
}

/** A change is in force after two looks. */
const LOOK_EVERY_MS = 250;

/**
 * A configuration that changes while Weir runs: models, upstreams, workspaces, limits and keys, on `SIGHUP` or when a file that was read has
 * changed. A new one is checked as a whole and put in force at once; calls that run keep what they began with. A bad one changes nothing.
 */
export class Reloader {
  readonly #source: ConfigSource;
  readonly #parts: ReloadParts;
  readonly #watch: FileWatch;
  #config: Config;
  #state = "ok";
  #running: Promise<void> = Promise.resolve();

  constructor(source: ConfigSource, loaded: LoadedConfig, parts: ReloadParts) {
    this.#source = source;
    this.#config = loaded.config;
    this.#parts = parts;
    this.#watch = new FileWatch(loaded.files, LOOK_EVERY_MS, () => void this.reload("a file has changed"));
  }

  /** For `/readyz`: `ok`, or why the newest file is not in force. */
  get state(): string {
    return this.#state;
  }

  /** One after the other, in the order they were asked for. Never rejects. */
  reload(reason: string): Promise<void> {
    this.#running = this.#running.then(() => this.#reload(reason));
    return this.#running;
  }

  stop(): void {
    this.#watch.stop();
  }

  async #reload(reason: string): Promise<void> {
    const { gateway, pool, metrics, log } = this.#parts;
    let loaded: LoadedConfig;
    try {
      loaded = readConfig(this.#source);
      if (loaded.config.sandbox)
        throw new ConfigError(loaded.file ?? "configuration", ["expected the file that Weir was started with, got none"]);
    } catch (thrown) {
      if (!(thrown instanceof ConfigError)) throw thrown;
      this.#state = `the newest file is refused, the one before is in force: ${thrown.message.split("\n", 2).join(" ")}`;
      metrics.configReloaded("refused");
      log.error({ reason, problems: thrown.problems }, "the configuration is refused; the one before stays in force");
      return;
    }
    const { config } = loaded;
    const catalog = new Catalog(config);
    const keyring = new Keyring(Object.values(config.workspaces));
    // The workers learn of the new targets before a call can name one; they keep those of before for the calls that are on their way.
    await pool.configure({ proxy: this.#config.proxy, weighing: catalog.weighing, targets: catalog.targets });
    gateway.replace({ config: { ...config, server: this.#config.server, sandbox: false }, catalog, keyring });
    metrics.keysKnown(keyring.size);
    metrics.declareOffers(gateway.labels().offers);
    metrics.configReloaded("applied");
    this.#watch.follow(loaded.files);
    const restart = FIXED.filter((part) => JSON.stringify(config[part]) !== JSON.stringify(this.#config[part]));
    this.#config = withFixed(config, this.#config);
    this.#state = restart.length === 0 ? "ok" : `ok; changes of ${restart.join(", ")} wait for a restart`;
    for (const warning of loaded.warnings) log.warn(warning);
    log.info(
      { reason, keys: keyring.size, ...(restart.length === 0 ? {} : { waiting_for_restart: restart }) },
      "the configuration is in force",
    );
  }
}
