import { Catalog } from "./catalog.ts";
import type { Config } from "./contract/config.ts";
import type { Replica } from "./directory/replica.ts";
import type { Gateway } from "./gateway.ts";
import type { Metrics } from "./metrics.ts";
import type { Pool } from "./pool.ts";

export interface InForceParts {
  gateway: Gateway;
  pool: Pool;
  metrics: Metrics;
  directory: Replica;
}

/**
 * What is in force: the configuration with the directory's workspaces beside its own. Either may change while Weir runs; the change is in force at
 * once and as a whole, and calls that run keep what they began with.
 */
export class InForce {
  readonly #parts: InForceParts;
  #config: Config;
  #running: Promise<void> = Promise.resolve();

  constructor(config: Config, parts: InForceParts) {
    this.#config = config;
    this.#parts = parts;
  }

  get config(): Config {
    return this.#config;
  }

  /** Puts another configuration in force; resolves when it is. */
  replace(config: Config): Promise<void> {
    return this.#next(config);
  }

  /** The directory has other workspaces. */
  refresh(): Promise<void> {
    return this.#next(undefined);
  }

  #next(config: Config | undefined): Promise<void> {
    this.#running = this.#running.then(() => this.#apply(config ?? this.#config));
    return this.#running;
  }

  async #apply(config: Config): Promise<void> {
    const { gateway, pool, metrics, directory } = this.#parts;
    const catalog = new Catalog(directory.withWorkspaces(config));
    // The workers learn of the new targets before a call can name one; they keep those of before for the calls that are on their way.
    await pool.configure({ proxy: config.proxy, weighing: catalog.weighing, targets: catalog.targets });
    this.#config = config;
    directory.configure(config);
    gateway.replace({ config, catalog });
    metrics.declareOffers(gateway.labels().offers);
  }
}
