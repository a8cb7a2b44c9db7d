import type { Config, ModelFacts, Target, Timeouts, Upstream, Workspace } from "./contract/config.ts";
import type { DialectName, ModelEntry } from "./contract/dialect.ts";
import { GatewayError } from "./contract/errors.ts";

/** One way to serve a model, as the worker pool knows it. */
export interface RoutedTarget {
  /** The worker's name for it: never used again, so that a call that began before a reload still means the same. */
  id: number;
  upstream: Upstream;
  model: string;
  weight: number;
  timeouts: Timeouts;
}

/** A model in one region for one workspace. */
export interface Offer {
  /** The name that limits and metrics know it by: of an alias, the model's own. */
  model: string;
  /** Seconds since 1970. */
  created: number;
  region: string;
  targets: [RoutedTarget, ...RoutedTarget[]];
}

type Served = Pick<ModelFacts, "created" | "aliasOf"> & { targets: Target[] };

/** What one workspace may use: dialect and region → model → offer. */
type Table = Map<string, Map<string, Offer>>;

let lastTargetId = 0;

/**
 * Which models there are, for whom, where. Built once per configuration; a look-up is two map reads.
 */
export class Catalog {
  readonly targets: RoutedTarget[] = [];
  readonly #tables = new Map<string, Table>();
  readonly #regions: string[];

  constructor(config: Config) {
    const shared = this.#table(config.models, config.upstreams);
    const regions = new Set(Object.values(config.upstreams).map((upstream) => upstream.region));
    for (const workspace of Object.values(config.workspaces)) {
      this.#tables.set(workspace.name, this.#workspaceTable(workspace, config, shared));
      for (const upstream of Object.values(workspace.upstreams)) regions.add(upstream.region);
    }
    this.#regions = [...regions].sort();
  }

  /** @throws GatewayError `unknown_region` for a region that no upstream is in. */
  requireRegion(region: string): void {
    if (this.#regions.includes(region)) return;
    throw new GatewayError("unknown_region", { message: `There is no region "${clip(region)}". Regions: ${this.#regions.join(", ")}.` });
  }

  /** @throws GatewayError `unknown_model`, with what there is instead. */
  find(workspace: string, dialect: DialectName, region: string, model: string): Offer {
    const offers = this.#offers(workspace, dialect, region);
    const offer = offers?.get(model);
    if (offer !== undefined) return offer;
    const names = [...(offers?.keys() ?? [])];
    const elsewhere = this.#regions.filter((other) => this.#offers(workspace, dialect, other)?.has(model));
    const where = elsewhere.length > 0 ? ` It is served in: ${elsewhere.join(", ")}.` : "";
    const there = names.length > 0 ? `Models in ${region}: ${names.join(", ")}.` : `No models are served in ${region} on this route.`;
    throw new GatewayError("unknown_model", {
      message: `The model "${clip(model)}" does not exist in region ${region}.${where} ${there}`,
      param: "model",
    });
  }

  list(workspace: string, dialect: DialectName, region: string): ModelEntry[] {
    return [...(this.#offers(workspace, dialect, region) ?? [])].map(([id, { created }]) => ({ id, created }));
  }

  /** Everything that can be asked for by anyone: what the metrics' labels are made of. */
  offers(): { dialect: DialectName; model: string; region: string; upstreams: string[] }[] {
    const seen = new Map<string, { dialect: DialectName; model: string; region: string; upstreams: string[] }>();
    for (const table of this.#tables.values()) {
      for (const offers of table.values()) {
        for (const { model, region, targets } of offers.values()) {
          const dialect = targets[0].upstream.dialect;
          seen.set(`${dialect} ${region} ${model}`, { dialect, model, region, upstreams: targets.map((target) => target.upstream.name) });
        }
      }
    }
    return [...seen.values()];
  }

  #offers(workspace: string, dialect: DialectName, region: string): Map<string, Offer> | undefined {
    return this.#tables.get(workspace)?.get(tableKey(dialect, region));
  }

  #workspaceTable(workspace: Workspace, config: Config, shared: Table): Table {
    const entries = Object.entries(workspace.models);
    if (!entries.some(([, model]) => model.targets !== undefined)) return shared;
    // Bring your own keys: these models are the whole list; one without targets of its own keeps the shared ones.
    const own: Record<string, Served> = {};
    for (const [name, { targets = config.models[name]?.targets, created, aliasOf }] of entries) {
      if (targets !== undefined) own[name] = { targets, created, aliasOf };
    }
    return this.#table(own, { ...config.upstreams, ...workspace.upstreams });
  }

  #table(models: Record<string, Served>, upstreams: Record<string, Upstream>): Table {
    const table: Table = new Map();
    for (const [name, model] of Object.entries(models)) {
      for (const target of model.targets) this.#offer(table, name, model, target, upstreams[target.upstream]);
    }
    return table;
  }

  #offer(table: Table, name: string, model: Served, target: Target, upstream: Upstream | undefined): void {
    if (upstream === undefined) return; // The configuration check has refused this already.
    lastTargetId += 1;
    const routed: RoutedTarget = { id: lastTargetId, upstream, model: target.model, weight: target.weight, timeouts: target.timeouts };
    this.targets.push(routed);
    const key = tableKey(upstream.dialect, upstream.region);
    const offers = table.get(key) ?? new Map<string, Offer>();
    table.set(key, offers);
    const offer = offers.get(name);
    if (offer === undefined)
      offers.set(name, { model: model.aliasOf ?? name, created: model.created, region: upstream.region, targets: [routed] });
    else offer.targets.push(routed);
  }
}

function tableKey(dialect: DialectName, region: string): string {
  return `${dialect} ${region}`;
}

/** Client text that stands in a message: short. */
function clip(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
