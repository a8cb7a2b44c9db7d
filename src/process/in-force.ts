import type { Config, Identity } from "../contract/config.ts";
import type { Replica } from "../directory/replica.ts";
import type { ExpiringCredential } from "../metrics/configured.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { PublishedPages } from "../openapi/pages.ts";
import type { PoolConfig } from "../pool/configuration.ts";
import type { WorkerPool } from "../pool/pool.ts";
import { providers } from "../providers/index.ts";
import type { Gateway } from "../request/gateway.ts";
import { Catalog } from "../routing/catalog.ts";
import type { HealthBook } from "../routing/health.ts";

export interface InForceParts {
  gateway: Gateway;
  pool: WorkerPool;
  metrics: Metrics;
  directory: Replica;
  /** Looks for gateways of another configuration; undefined without Redis. */
  neighbours: { configure(config: Config): void } | undefined;
  pages: PublishedPages;
  /** The certificate that the public listener shows new connections; undefined without TLS. */
  identity: { current: Identity } | undefined;
  accessLog: { configure(settings: Config["log"]): void };
  /** The health of all targets, whichever configuration named them. */
  health: HealthBook;
  /** The environment of this process. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** The part of a configuration that the workers get. */
export function workersConfig({ proxy, server }: Config, { weighing, targets }: Catalog): PoolConfig {
  return { proxy, heldBytes: server.maxBufferedBytes, weighing, targets };
}

/** The credentials of upstreams, those of workspaces too, whose end is known. */
function expiringCredentials({ upstreams, workspaces }: Config, environment: InForceParts["environment"]): ExpiringCredential[] {
  return [upstreams, ...Object.values(workspaces).map((workspace) => workspace.upstreams)]
    .flatMap((record) => Object.values(record))
    .flatMap(({ name, provider, settings }) => {
      const validity = providers.get(provider)?.validity(settings, environment);
      return validity === undefined ? [] : [{ upstream: name, ...validity }];
    });
}

/**
 * What is in force: the configuration, with the workspaces of the directory added. Both may change while Weir runs. A change is in force at once and as
 * a whole; calls that are open keep the configuration with which they began.
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

  /** To be called when the workspaces of the directory have changed. */
  refresh(): void {
    this.replace(this.#config);
  }

  /** Puts another configuration in force. */
  replace(config: Config): void {
    const { gateway, pool, metrics, directory, neighbours, identity, health, pages, accessLog, environment } = this.#parts;
    const all = directory.withWorkspaces(config);
    const catalog = new Catalog(all, health, this.#catalog);
    // A worker gets its orders in the order of sending, so it has the new targets before a call names one. It keeps the old ones for calls that are
    // open. Not awaited: a worker that hangs must not delay the change for the others.
    void pool.configure(workersConfig(config, catalog));
    this.#config = config;
    this.#catalog = catalog;
    directory.configure(config);
    neighbours?.configure(config);
    gateway.replace({ config, catalog });
    pages.describe(config);
    // TLS can be turned on or off only by a restart; here only the certificate changes.
    if (identity !== undefined && config.identity !== undefined) {
      identity.current = config.identity;
      metrics.front.certificateExpires("public", config.identity.expiresAtMs);
    }
    accessLog.configure(config.log);
    metrics.declareServed(gateway.labels().served);
    metrics.configured.credentialsKnown(expiringCredentials(all, environment), Date.now());
  }
}
