import type { Config, EffectiveLimits, Workspace } from "../contract/config.ts";
import type { ModelEntry, UpstreamDialect } from "../contract/dialect.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Weighing } from "../contract/messages.ts";
import { clipped } from "../contract/text.ts";
import { BREAKER_STATES, HealthBook, type TargetHealth } from "./health.ts";
import { bringsNothing, type Offer, type OfferTable, offersOf, tableKey, tableOf } from "./offers.ts";
import { type RoutedTarget, RoutedTargets } from "./targets.ts";

const NO_OFFERS: ReadonlyMap<string, Offer> = new Map();
/** The most characters of a client's own text that a message repeats. */
const SHOWN_CHARACTERS = 64;

/**
 * Which models there are: for which workspaces, in which regions, with which limits. A look-up reads two maps. There may be thousands of workspaces, of which one
 * changes at a time: so the table of a workspace is made when it is first needed, and the next routing table takes it over where neither the workspace nor the
 * shared part of the configuration has changed.
 */
export class RoutingTable {
  readonly #config: Config;
  readonly #tables = new Map<string, OfferTable>();
  /** Tables that together have every model that any workspace can ask for: one for each workspace that differs, and one for all the others. */
  readonly #views: readonly OfferTable[];
  readonly #targets: RoutedTargets;
  readonly #regions: string[];
  readonly #dialects: UpstreamDialect[];
  /** Whether some model has several targets in one region. */
  readonly hasChoices: boolean;
  #watchedTargets: { model: string; upstream: string; health: TargetHealth }[] | undefined;

  /**
   * @param health - The health of all targets, as known so far; it outlives this routing table.
   * @param before - The routing table that this one replaces.
   */
  constructor(config: Config, health: HealthBook = new HealthBook(), before?: RoutingTable) {
    this.#config = config;
    const isSame = before !== undefined && sharesAll(before.#config, config);
    this.#targets = new RoutedTargets(health, before === undefined ? undefined : before.#targets, isSame);
    if (isSame) this.#takeTables(before);
    const workspaces = Object.values(config.workspaces);
    // All workspaces that bring nothing have the same targets: one of them represents all.
    const plain = workspaces.find(bringsNothing);
    this.#views = workspaces.filter((one) => one === plain || !bringsNothing(one)).map(({ name }) => this.#tableOf(name) ?? new Map());
    health.keep(this.targets);
    this.hasChoices = this.#everyOffer().some(({ targets }) => targets.length > 1);
    const upstreams = [config.upstreams, ...workspaces.map((workspace) => workspace.upstreams)].flatMap((record) => Object.values(record));
    this.#regions = [...new Set(upstreams.map((upstream) => upstream.region))].sort();
    this.#dialects = [...new Set(upstreams.map((upstream) => upstream.dialect))];
  }

  /** Names of all workspaces. */
  get workspaces(): string[] {
    return Object.keys(this.#config.workspaces);
  }

  /** The targets of all workspaces. */
  get targets(): RoutedTarget[] {
    return [...new Set(this.#everyOffer().flatMap(({ targets }) => targets))];
  }

  /**
   * How workers weigh requests, for every model name that clients use, aliases included. Where workspaces give one name to models with different tokenizers, the
   * tokenizer of the first is used for all; what the upstreams report corrects the estimates.
   */
  get weighing(): Weighing[] {
    const byName = new Map<string, Weighing>();
    for (const table of this.#views) {
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

  /** @throws GatewayError `unknown_region` for a region without an upstream. */
  requireRegion(region: string): void {
    if (this.#regions.includes(region)) return;
    throw new GatewayError("unknown_region", {
      message: `There is no region "${clipped(region, SHOWN_CHARACTERS)}". Regions: ${this.#regions.join(", ")}.`,
    });
  }

  /** @throws GatewayError `unknown_model`; its message lists the regions of the model and the models of the region. */
  find(workspace: string, dialect: UpstreamDialect, region: string, model: string): Offer {
    const offers = this.#offers(workspace, dialect, region);
    const offer = offers?.get(model);
    if (offer !== undefined) return offer;
    const names = [...(offers?.keys() ?? [])];
    const elsewhere = this.#regions.filter((other) => this.#offers(workspace, dialect, other)?.has(model));
    const where = elsewhere.length > 0 ? ` It is served in: ${elsewhere.join(", ")}.` : "";
    const there = names.length > 0 ? `Models in ${region}: ${names.join(", ")}.` : `No models are served in ${region} on this route.`;
    throw new GatewayError("unknown_model", {
      message: `The model "${clipped(model, SHOWN_CHARACTERS)}" does not exist in region ${region}.${where} ${there}`,
      param: "model",
    });
  }

  /** The other dialects in which a workspace has a model of this name, each with the regions of the model. */
  elsewhere(workspace: string, dialect: UpstreamDialect, model: string): { dialect: UpstreamDialect; regions: string[] }[] {
    return this.#dialects
      .filter((other) => other !== dialect)
      .map((other) => ({ dialect: other, regions: this.#regions.filter((region) => this.#offers(workspace, other, region)?.has(model)) }))
      .filter(({ regions }) => regions.length > 0);
  }

  /** The models that a workspace may use in a region, by the names that clients use. */
  served(workspace: string, dialect: UpstreamDialect, region: string): ReadonlyMap<string, Offer> {
    return this.#offers(workspace, dialect, region) ?? NO_OFFERS;
  }

  /** The same models, as entries for a list that a client asks for. */
  list(workspace: string, dialect: UpstreamDialect, region: string): ModelEntry[] {
    return [...(this.#offers(workspace, dialect, region) ?? [])].map(([id, { created }]) => ({ id, created }));
  }

  /** The limits of a workspace, by the name of the model in limits; undefined where there is no such workspace. */
  limits(workspace: string): ReadonlyMap<string, EffectiveLimits> | undefined {
    const table = this.#tableOf(workspace);
    return table && new Map(offersOf(table).map(({ model, limits }) => [model, limits]));
  }

  /** Everything that any workspace can ask for: the label values of the metrics come from it. */
  offers(): { dialect: UpstreamDialect; model: string; region: string; upstreams: string[] }[] {
    const seen = new Map<string, { dialect: UpstreamDialect; model: string; region: string; upstreams: string[] }>();
    for (const { model, region, targets } of this.#everyOffer()) {
      const dialect = targets[0].upstream.dialect;
      const key = `${dialect} ${region} ${model}`;
      // Workspaces that bring upstreams may each have other upstreams for the same model name.
      const upstreams = new Set([...(seen.get(key)?.upstreams ?? []), ...targets.map((target) => target.upstream.name)]);
      seen.set(key, { dialect, model, region, upstreams: [...upstreams] });
    }
    return [...seen.values()];
  }

  /** The breaker of every target, by upstream and by the model's name in metrics. Where one name has several targets at an upstream, the worst state counts. */
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

  /** Each pair of model and target once, however many workspaces share it. */
  #watched(): { model: string; upstream: string; health: TargetHealth }[] {
    if (this.#watchedTargets !== undefined) return this.#watchedTargets;
    const seen = new Map<string, { model: string; upstream: string; health: TargetHealth }>();
    for (const { model, targets } of this.#everyOffer())
      for (const { id, upstream, health } of targets) seen.set(`${model}\n${id}`, { model, upstream: upstream.name, health });
    this.#watchedTargets = [...seen.values()];
    return this.#watchedTargets;
  }

  #offers(workspace: string, dialect: UpstreamDialect, region: string): Map<string, Offer> | undefined {
    return this.#tableOf(workspace)?.get(tableKey(dialect, region));
  }

  #everyOffer(): Offer[] {
    return this.#views.flatMap(offersOf);
  }

  /** Takes over the tables of the workspaces that have not changed. */
  #takeTables(before: RoutingTable): void {
    for (const [name, table] of before.#tables)
      if (before.#config.workspaces[name] === this.#config.workspaces[name]) this.#tables.set(name, table);
  }

  #tableOf(name: string): OfferTable | undefined {
    const known = this.#tables.get(name);
    if (known !== undefined || !Object.hasOwn(this.#config.workspaces, name)) return known;
    const workspace = this.#config.workspaces[name] as Workspace;
    const table = tableOf(workspace, this.#config, this.#targets);
    this.#tables.set(name, table);
    return table;
  }
}

/** Whether two configurations have the same shared part: upstreams, models and limits. */
function sharesAll(one: Config, other: Config): boolean {
  return one.upstreams === other.upstreams && one.models === other.models && one.limits === other.limits;
}
