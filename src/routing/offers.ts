import { ByNames } from "../contract/by-names.ts";
import type { Config, EffectiveLimits, Limits, ModelFacts, Target, TokenizerFamily, Upstream, Workspace } from "../contract/config.ts";
import { type Controls, mergedControls } from "../contract/controls.ts";
import type { UpstreamDialect } from "../contract/dialect.ts";
import { hashText } from "../contract/hash.ts";
import type { Candidates } from "./router.ts";
import type { RoutedTarget, RoutedTargets } from "./targets.ts";

/** A model in one region for one workspace. */
export interface Offer extends Candidates<RoutedTarget> {
  /** The name in limits and metrics. For an alias, it is the name of the model behind the alias. */
  model: string;
  /** Seconds since 1970. */
  created: number;
  region: string;
  limits: EffectiveLimits;
  /** The tokens of the input are counted exactly, by the table of the tokenizer, before anything is reserved. */
  exact: boolean;
  /** The tokenizer; undefined where it is not known. */
  family: TokenizerFamily | undefined;
  targets: [RoutedTarget, ...RoutedTarget[]];
}

/** The models that one workspace may use: dialect and region → model → offer. */
export type OfferTable = Map<string, Map<string, Offer>>;

/** A model as one workspace has it. */
type ServedModel = ModelFacts & { targets: Target[]; estimate: "fast" | "exact"; affinity: boolean };

export function tableOf(workspace: Workspace, config: Config, targets: RoutedTargets): OfferTable {
  const table: OfferTable = new Map();
  const upstreams = { ...config.upstreams, ...workspace.upstreams };
  for (const [name, model] of Object.entries(servedTo(workspace, config))) {
    for (const target of model.targets) {
      const upstream = upstreams[target.upstream];
      if (upstream === undefined) continue;
      const controls = controlsOf(workspace, name, target, upstream);
      add(table, workspace, config, name, model, targets.of(target, upstream, controls));
    }
  }
  return table;
}

/** The controls of one target: each from the most specific place that sets it. */
function controlsOf(workspace: Workspace, name: string, target: Target, upstream: Upstream): Controls | undefined {
  const model = workspace.models[name];
  // From the least to the most specific place. A target that the workspace brings is more specific than the workspace; a shared one is less.
  if (model?.targets !== undefined) return mergedControls([upstream.controls, workspace.controls, target.controls]);
  return mergedControls([upstream.controls, target.controls, workspace.controls, model?.controls]);
}

/** Whether a workspace has the shared targets without a change. Its limits may differ. */
export function bringsNothing({ upstreams, models, controls: ownControls }: Workspace): boolean {
  return (
    Object.keys(upstreams).length === 0 &&
    ownControls === undefined &&
    Object.values(models).every(
      ({ targets, estimate, affinity, controls }) =>
        targets === undefined && estimate === undefined && affinity === undefined && controls === undefined,
    )
  );
}

export function offersOf(table: OfferTable): Offer[] {
  return [...table.values()].flatMap((offers) => [...offers.values()]);
}

const tableKeys = new ByNames<string>(1_000);

export function tableKey(dialect: UpstreamDialect, region: string): string {
  return tableKeys.of(dialect, region, joined);
}

function joined(dialect: string, region: string): string {
  return `${dialect} ${region}`;
}

/** The models of a workspace: all shared ones; or only those that it lists, where it brings targets. A listed model without targets has the shared targets. */
function servedTo(workspace: Workspace, config: Config): Record<string, ServedModel> {
  const own = Object.entries(workspace.models);
  const brings = own.some(([, model]) => model.targets !== undefined);
  const names = brings ? own.map(([name]) => name) : Object.keys(config.models);
  const served: Record<string, ServedModel> = Object.create(null);
  for (const name of names) {
    const shared = config.models[name];
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

function add(table: OfferTable, workspace: Workspace, config: Config, name: string, model: ServedModel, target: RoutedTarget): void {
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
  const limits = limitsOf(workspace, config, own, name);
  const { created, family, affinity } = model;
  const exact = model.estimate === "exact";
  const seed = hashText(`${workspace.name}\n${own}`);
  offers.set(name, {
    workspace: workspace.name,
    model: own,
    created,
    region,
    limits,
    exact,
    family,
    targets: [target],
    credits: [],
    seed,
    affinity,
  });
}

/** The limits of one model: each from the most specific place that sets it. */
function limitsOf(workspace: Workspace, config: Config, model: string, name: string): EffectiveLimits {
  const places: (Limits | undefined)[] = [
    workspace.models[model]?.limits,
    workspace.models[name]?.limits,
    workspace.limits,
    config.models[model]?.limits,
    config.models[name]?.limits,
    config.limits,
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
