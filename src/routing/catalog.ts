import { ByNames } from "../contract/by-names.ts";
import type {
  Config,
  EffectiveLimits,
  Limits,
  ModelFacts,
  Target,
  Timeouts,
  TokenizerFamily,
  Upstream,
  Workspace,
} from "../contract/config.ts";
import type { ModelEntry, UpstreamDialect } from "../contract/dialect.ts";
import { GatewayError } from "../contract/errors.ts";
import { hashText } from "../contract/hash.ts";
import type { Weighing } from "../contract/messages.ts";
import { BREAKER_STATES, type TargetHealth } from "./health.ts";
import { type Choice, type Choices, HealthBook } from "./router.ts";

/** One way to serve a model, as the worker pool knows it. */
export interface RoutedTarget extends Choice {
  /** The worker's name for it: never used again, so that a call that began before a reload still means the same. */
  id: number;
  upstream: Upstream;
  model: string;
  countModel: string | undefined;
  timeouts: Timeouts;
}

/** A model in one region for one workspace. */
export interface Offer extends Choices<RoutedTarget> {
  /** The name that limits and metrics know it by: of an alias, the model's own. */
  model: string;
  /** Seconds since 1970. */
  created: number;
  region: string;
  limits: EffectiveLimits;
  /** The input is to be counted by its table, before anything is reserved. */
  exact: boolean;
  /** Its tokenizer, where that is known. */
  family: TokenizerFamily | undefined;
  targets: [RoutedTarget, ...RoutedTarget[]];
}

/** A model as a workspace is to be served it. */
type Served = ModelFacts & { targets: Target[]; estimate: "fast" | "exact"; affinity: boolean };

/** What one workspace may use: dialect and region → model → offer. */
type Table = Map<string, Map<string, Offer>>;

let lastTargetId = 0;

/**
 * Which models there are, for whom, where, and within which limits. Built once per configuration; a look-up is two map reads.
 */
export class Catalog {
  readonly #config: Config;
  readonly #health: HealthBook;
  readonly #tables = new Map<string, Table>();
  readonly #targets = new Map<Target, RoutedTarget>();
  readonly #regions: string[];
  readonly #dialects: UpstreamDialect[];
  /** Some model has several targets in one region. */
  readonly hasChoices: boolean;
  #watchedTargets: { model: string; upstream: string; health: TargetHealth }[] | undefined;

  /** @param health - Of the targets, as it was known before; it outlives this catalogue. */
  constructor(config: Config, health: HealthBook = new HealthBook()) {
    this.#config = config;
    this.#health = health;
    const workspaces = Object.values(config.workspaces);
    for (const workspace of workspaces) this.#tables.set(workspace.name, this.#table(workspace));
    health.keep(this.#targets.values());
    this.hasChoices = [...this.#tables.values()].some((table) =>
      [...table.values()].some((offers) => [...offers.values()].some(({ targets }) => targets.length > 1)),
    );
    const upstreams = [config.upstreams, ...workspaces.map((workspace) => workspace.upstreams)].flatMap((record) => Object.values(record));
    this.#regions = [...new Set(upstreams.map((upstream) => upstream.region))].sort();
    this.#dialects = [...new Set(upstreams.map((upstream) => upstream.dialect))];
  }

  /** Names of all workspaces. */
  get workspaces(): string[] {
    return [...this.#tables.keys()];
  }

  /** Every way to serve a model, of all workspaces. */
  get targets(): RoutedTarget[] {
    return [...this.#targets.values()];
  }

  /**
   * How requests are weighed, for every name that clients use, aliases included. Where workspaces give one name to models of different
   * tokenizers, the first one's is taken for all; what the upstreams report corrects that.
   */
  get weighing(): Weighing[] {
    const byName = new Map<string, Weighing>();
    for (const table of this.#tables.values()) {
      for (const offers of table.values()) {
        for (const [model, { family, exact }] of offers) {
          const known = byName.get(model);
          if (known === undefined) byName.set(model, { model, family, exact });
          else known.exact ||= exact;
        }
      }
    }
    return [...byName.values()];
  }

  /** @throws GatewayError `unknown_region` for a region that no upstream is in. */
  requireRegion(region: string): void {
    if (this.#regions.includes(region)) return;
    throw new GatewayError("unknown_region", { message: `There is no region "${clip(region)}". Regions: ${this.#regions.join(", ")}.` });
  }

  /** @throws GatewayError `unknown_model`, with what there is instead. */
  find(workspace: string, dialect: UpstreamDialect, region: string, model: string): Offer {
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

  /** Where else a workspace has a model of this name: in dialects that are not `dialect`, with the regions. */
  elsewhere(workspace: string, dialect: UpstreamDialect, model: string): { dialect: UpstreamDialect; regions: string[] }[] {
    return this.#dialects
      .filter((other) => other !== dialect)
      .map((other) => ({ dialect: other, regions: this.#regions.filter((region) => this.#offers(workspace, other, region)?.has(model)) }))
      .filter(({ regions }) => regions.length > 0);
  }

  list(workspace: string, dialect: UpstreamDialect, region: string): ModelEntry[] {
    return [...(this.#offers(workspace, dialect, region) ?? [])].map(([id, { created }]) => ({ id, created }));
  }

  /** What a workspace may use, under the names that limits go by; undefined where there is no such workspace. */
  limits(workspace: string): ReadonlyMap<string, EffectiveLimits> | undefined {
    const table = this.#tables.get(workspace);
    return (
      table &&
      new Map([...table.values()].flatMap((offers) => Array.from(offers.values(), ({ model, limits }) => [model, limits] as const)))
    );
  }

  /** Everything that can be asked for by anyone: what the metrics' labels are made of. */
  offers(): { dialect: UpstreamDialect; model: string; region: string; upstreams: string[] }[] {
    const seen = new Map<string, { dialect: UpstreamDialect; model: string; region: string; upstreams: string[] }>();
    for (const table of this.#tables.values()) {
      for (const offers of table.values()) {
        for (const { model, region, targets } of offers.values()) {
          const dialect = targets[0].upstream.dialect;
          const key = `${dialect} ${region} ${model}`;
          // A model of one name has upstreams of its own in each workspace that brings some.
          const upstreams = new Set([...(seen.get(key)?.upstreams ?? []), ...targets.map((target) => target.upstream.name)]);
          seen.set(key, { dialect, model, region, upstreams: [...upstreams] });
        }
      }
    }
    return [...seen.values()];
  }

  /** The health of every target, by upstream and by the model's name for clients; where one name has several targets at an upstream, the worst. */
  breakers(): Iterable<{ upstream: string; model: string; state: number }> {
    const worst = new Map<string, { upstream: string; model: string; state: number }>();
    for (const { model, upstream, health } of this.#watched()) {
      const key = `${upstream}\n${model}`;
      const state = BREAKER_STATES[health.state];
      const known = worst.get(key);
      if (known === undefined || known.state < state) worst.set(key, { upstream, model, state });
    }
    return worst.values();
  }

  /** Each target once for each model: there may be thousands of workspaces that share them. */
  #watched(): { model: string; upstream: string; health: TargetHealth }[] {
    if (this.#watchedTargets !== undefined) return this.#watchedTargets;
    const seen = new Map<string, { model: string; upstream: string; health: TargetHealth }>();
    for (const table of this.#tables.values())
      for (const offers of table.values())
        for (const { model, targets } of offers.values())
          for (const { id, upstream, health } of targets) seen.set(`${model}\n${id}`, { model, upstream: upstream.name, health });
    this.#watchedTargets = [...seen.values()];
    return this.#watchedTargets;
  }

  #offers(workspace: string, dialect: UpstreamDialect, region: string): Map<string, Offer> | undefined {
    return this.#tables.get(workspace)?.get(tableKey(dialect, region));
  }

  #table(workspace: Workspace): Table {
    const table: Table = new Map();
    const upstreams = { ...this.#config.upstreams, ...workspace.upstreams };
    for (const [name, model] of Object.entries(this.#served(workspace))) {
      for (const target of model.targets) {
        const upstream = upstreams[target.upstream];
        if (upstream !== undefined) this.#offer(table, workspace, name, model, this.#route(target, upstream));
      }
    }
    return table;
  }

  /** The shared models; or, where a workspace brings its own, those alone: one that it lists without targets keeps the shared ones. */
  #served(workspace: Workspace): Record<string, Served> {
    const own = Object.entries(workspace.models);
    const brings = own.some(([, model]) => model.targets !== undefined);
    const names = brings ? own.map(([name]) => name) : Object.keys(this.#config.models);
    const served: Record<string, Served> = Object.create(null);
    for (const name of names) {
      const shared = this.#config.models[name];
      const special = workspace.models[name];
      const facts = special?.targets === undefined ? shared : special;
      const targets = special?.targets ?? shared?.targets;
      if (facts === undefined || targets === undefined) continue;
      const estimate = special?.estimate ?? shared?.estimate ?? "fast";
      const affinity = special?.affinity ?? shared?.affinity ?? true;
      served[name] = { targets, estimate, affinity, created: facts.created, family: facts.family, aliasOf: facts.aliasOf };
    }
    return served;
  }

  #route(target: Target, upstream: Upstream): RoutedTarget {
    const known = this.#targets.get(target);
    if (known !== undefined) return known;
    lastTargetId += 1;
    const { model, countModel, rank, weight, timeouts } = target;
    const { name } = upstream;
    const [health, seed] = [this.#health.of(name, model), hashText(`${name}\n${model}`)];
    const routed: RoutedTarget = { id: lastTargetId, upstream, model, countModel, rank, weight, timeouts, health, seed };
    this.#targets.set(target, routed);
    return routed;
  }

  #offer(table: Table, workspace: Workspace, name: string, model: Served, target: RoutedTarget): void {
    const { dialect, region } = target.upstream;
    const key = tableKey(dialect, region);
    const offers = table.get(key) ?? new Map<string, Offer>();
    table.set(key, offers);
    const offer = offers.get(name);
    if (offer !== undefined) {
      offer.targets.push(target);
      offer.targets.sort((one, other) => one.rank - other.rank);
      return;
    }
    const own = model.aliasOf ?? name;
    const limits = this.#limits(workspace, own, name);
    const { created, family, affinity } = model;
    const exact = model.estimate === "exact";
    const seed = hashText(`${workspace.name}\n${own}`);
    offers.set(name, { model: own, created, region, limits, exact, family, targets: [target], credits: [], seed, affinity });
  }

  /** Each limit from the most specific place that sets it. */
  #limits(workspace: Workspace, model: string, name: string): EffectiveLimits {
    const places: (Limits | undefined)[] = [
      workspace.models[model]?.limits,
      workspace.models[name]?.limits,
      workspace.limits,
      this.#config.models[model]?.limits,
      this.#config.models[name]?.limits,
      this.#config.limits,
    ];
    const pick = <K extends keyof Limits>(field: K) => places.find((place) => place?.[field] !== undefined)?.[field];
    const rpm = pick("rpm") ?? Number.MAX_SAFE_INTEGER;
    return {
      rpm,
      countRpm: pick("countRpm") ?? rpm,
      tpm: pick("tpm") ?? Number.MAX_SAFE_INTEGER,
      cacheReadWeight: pick("cacheReadWeight") ?? 0,
      reserveOutput: pick("reserveOutput") ?? "expected",
    };
  }
}

const tableKeys = new ByNames<string>(1_000);

function tableKey(dialect: UpstreamDialect, region: string): string {
  return tableKeys.of(dialect, region, joined);
}

function joined(dialect: string, region: string): string {
  return `${dialect} ${region}`;
}

/** Client text that stands in a message: short. */
function clip(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text;
}
