import type { Config, Identity } from "../contract/config.ts";
import type { Replica } from "../directory/replica.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { PublishedPages } from "../openapi/pages.ts";
import type { PoolConfig } from "../pool/configuration.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { Gateway } from "../request/gateway.ts";
import { Catalog } from "../routing/catalog.ts";
import type { HealthBook } from "../routing/router.ts";

export interface InForceParts {
  gateway: Gateway;
  pool: WorkerPool;
  metrics: Metrics;
  directory: Replica;
  /** Who looks for gateways of another configuration; undefined without Redis. */
  neighbours: { configure(config: Config): void } | undefined;
  pages: PublishedPages;
  /** What the public listener shows new connections; undefined without TLS. */
  identity: { current: Identity } | undefined;
  accessLog: { configure(settings: Config["log"]): void };
  /** What is known of the targets, whichever configuration named them. */
  health: HealthBook;
}

/** What the workers get of a configuration. */
export function workersConfig({ proxy, server }: Config, { weighing, targets }: Catalog): PoolConfig {
  return { proxy, heldBytes: server.maxBufferedBytes, weighing, targets };
}

/**
 * What is in force: the configuration with the directory's workspaces beside its own. Either may change while Weir runs; the change is in force at
 * once and as a whole, and calls that run keep what they began with.
 */
export class InForce {
  readonly #parts: InForceParts;
  #config: Config;
  #catalog: Catalog;

  constructor(config: Config, catalog: Catalog, parts: InForceParts) {
    this.#config = config;
    this.#catalog = catalog;
    this.#parts = parts;
  }

  get config(): Config {
    return this.#config;
  }

  /** The directory has other workspaces. */
  refresh(): void {
    this.replace(this.#config);
  }

  /** Puts another configuration in force. */
  replace(config: Config): void {
    const { gateway, pool, metrics, directory, neighbours, identity, health, pages, accessLog } = this.#parts;
    const catalog = new Catalog(directory.withWorkspaces(config), health, this.#catalog);
    // The workers learn of the new targets before a call can name one, since orders reach a worker in their order; they keep those of before for
    // the calls that are on their way. Not waited for: a worker that hangs must not hold up the news for all others.
    void pool.configure(workersConfig(config, catalog));
    this.#config = config;
    this.#catalog = catalog;
    directory.configure(config);
    neighbours?.configure(config);
    gateway.replace({ config, catalog });
    pages.describe(config);
    // Where TLS was not there at the start, it waits for a restart; so does its end.
    if (identity !== undefined && config.identity !== undefined) {
      identity.current = config.identity;
      metrics.front.certificateExpires("public", config.identity.expiresAtMs);
    }
    accessLog.configure(config.log);
    metrics.declareServed(gateway.labels().served);
  }
}
