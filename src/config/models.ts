/** Models: what the file lists or the catalogue offers, each with targets that exist, speak one dialect and stay in their region. */
import type { Limits, Model, ModelFacts, Target } from "../contract/config.ts";
import type { UpstreamDialect } from "../contract/dialect.ts";
import { dateText } from "../contract/moment.ts";
import { providers } from "../providers/index.ts";
import { acceptsOf, type ModelAccepts } from "./accepts.ts";
import type { Catalogue, CatalogueEntry } from "./catalogue.ts";
import { clocks } from "./clocks.ts";
import type { ResolveContext } from "./context.ts";
import { controlsOf } from "./controls.ts";
import { addAliases } from "./names.ts";
import { didYouMean, type Path } from "./problems.ts";
import type { ControlSettings } from "./schema/accepts.ts";
import type { ModelSettings, TargetSettings, TimeoutSettings } from "./schema/models.ts";
import type { LimitSettings } from "./schema/workspaces.ts";
import { namesAmong, withoutSecrets } from "./shown.ts";
import type { Upstreams } from "./upstreams.ts";

export function resolveModels(
  settings: Record<string, ModelSettings>,
  upstreams: Upstreams,
  context: ResolveContext,
): Record<string, Model> {
  const models: Record<string, Model> = Object.create(null);
  for (const [name, model] of Object.entries(settings)) {
    const path = ["models", name];
    const facts = factsOf(name, model.family, model.targets, context.catalogue);
    models[name] = {
      ...facts,
      limits: limitsOf(model.limits),
      estimate: model.estimate,
      affinity: model.affinity === "on",
      targets: resolveTargets({ name, ...model }, path, upstreams, context),
    };
    checkEstimate(model.estimate, facts, path, context);
    warnRetired(name, model.targets, path, context);
  }
  addAliases(models, settings, ["models"], context);
  return models;
}

/** Every model of the catalogue, in each region that has the model and an upstream of its provider. */
export function fromCatalogue(upstreams: Upstreams, context: ResolveContext): Record<string, Model> {
  const models: Record<string, Model> = Object.create(null);
  const retired: string[] = [];
  for (const entry of context.catalogue.entries.values()) {
    const targets = Object.entries(upstreams.resolved).flatMap(([name, upstream]): Target[] => {
      const model = entry.regions === undefined ? (entry.aliasOf ?? entry.name) : entry.regions[upstream.region];
      if (entry.provider !== upstream.provider || model === undefined) return [];
      // The configuration gives these upstreams no order: they share the calls.
      const accepts = acceptsOf(entry.name, model, upstream, undefined, [], context);
      return [{ upstream: name, model, countModel: undefined, rank: 0, weight: 1, accepts, timeouts: upstream.timeouts }];
    });
    if (targets.length === 0) continue;
    const { created, family, aliasOf } = entry;
    models[entry.name] = { created, family, aliasOf, limits: limitsOf(undefined), estimate: "fast", affinity: true, targets };
    if (isRetired(entry, context)) retired.push(entry.name);
  }
  if (retired.length > 0 && !context.isSandbox) {
    const text = `left out, so the whole catalogue is offered, with ${retired.length} models that are retired (${retired.join(", ")}); list the models to offer others`;
    context.warnings.push({ path: ["models"], text });
  }
  return models;
}

/** What targets take from their model. */
interface Aimed {
  /** The name that clients use. */
  name: string;
  targets: readonly TargetSettings[];
  timeouts?: TimeoutSettings;
  accepts?: ModelAccepts;
  controls?: ControlSettings;
}

export function resolveTargets(
  { name, targets: settings, timeouts, accepts, controls }: Aimed,
  path: Path,
  upstreams: Upstreams,
  context: ResolveContext,
): Target[] {
  const targets: Target[] = [];
  const dialects = new Map<UpstreamDialect, string>();
  for (const [index, target] of settings.entries()) {
    const at = [...path, "targets", String(index)];
    const upstream = upstreams.find(target.upstream);
    if (upstream === undefined) {
      const names = upstreams.names();
      // The mistake of an upstream that is written but wrong has been reported already.
      if (!names.includes(target.upstream)) {
        const there = namesAmong(names);
        const list = there.length === 0 ? "there are none" : `there are ${there.join(", ")}`;
        const text = `expected the name of an upstream, got another text${didYouMean(target.upstream, there)}; ${list}`;
        context.problems.push({ path: [...at, "upstream"], text });
      }
      continue;
    }
    dialects.set(upstream.dialect, target.upstream);
    const provider = providers.get(upstream.provider);
    const problem = provider?.modelProblem(upstream.region, target.model, upstream.settings);
    if (problem !== undefined) context.problems.push({ path: [...at, "model"], text: problem });
    const doubt = provider?.modelDoubt(target.model);
    if (doubt !== undefined) context.warnings.push({ path: [...at, "model"], text: doubt });
    warnPlainName(target.model, upstream.region, [...at, "model"], context);
    const countProblem =
      target.count_model === undefined ? undefined : provider?.modelProblem(upstream.region, target.count_model, upstream.settings);
    if (countProblem !== undefined) context.problems.push({ path: [...at, "count_model"], text: countProblem });
    const own = clocks(upstream.timeouts, timeouts, [...path, "timeouts"], context);
    const { model, count_model: countModel, rank = index, weight } = target;
    const takes = acceptsOf(name, model, upstream, accepts, path, context);
    const places = [
      { settings: controls, path: [...path, "controls"] },
      { settings: target.controls, path: [...at, "controls"] },
    ];
    const controlled = controlsOf(places, upstream, context);
    targets.push({ upstream: target.upstream, model, countModel, rank, weight, accepts: takes, controls: controlled, timeouts: own });
  }
  if (dialects.size > 1) {
    const mix = [...dialects].map(([dialect, upstream]) => `${withoutSecrets(upstream)} speaks ${dialect}`).join(", ");
    context.problems.push({ path: [...path, "targets"], text: `expected targets that speak one dialect, got two: ${mix}` });
  }
  return targets;
}

export function checkEstimate(estimate: "fast" | "exact", facts: ModelFacts, path: Path, context: ResolveContext): void {
  if (estimate === "fast" || facts.family === "o200k" || facts.family === "cl100k") return;
  const cure =
    facts.family === undefined ? "set family to o200k or cl100k if it is one of those" : `${facts.family} has no public token table`;
  context.problems.push({
    path: [...path, "estimate"],
    text: `expected fast, got "exact" for a model whose tokens cannot be counted exactly; ${cure}`,
  });
}

export function warnRetired(name: string, targets: readonly TargetSettings[], path: Path, context: ResolveContext): void {
  const entry = targets
    .map((target) => context.catalogue.byUpstreamModel(target.model))
    .find((found) => found !== undefined && isRetired(found, context));
  if (entry === undefined || context.isSandbox) return;
  const since = entry.retiredAtMs === 0 ? "" : ` since ${dateText(entry.retiredAtMs ?? 0)}`;
  context.warnings.push({ path, text: `${entry.name === name ? "it" : entry.name} is retired upstream${since}; calls will fail` });
}

/** Warns of a plain model id where the catalogue has only ids with a place in front: the cloud serves that model through inference profiles only. */
function warnPlainName(model: string, region: string, path: Path, context: ResolveContext): void {
  const plain = model.replace(/^arn:[^/]*:foundation-model\//i, "");
  const entry = context.catalogue.byUpstreamModel(plain);
  const names = Object.values(entry?.regions ?? {});
  if (names.length === 0 || !names.every((name) => name.endsWith(`.${plain}`))) return;
  const cure = entry?.regions?.[region];
  const text = `is the plain id of a model that is served through inference profiles only; ${cure === undefined ? "write its profile for this region, if there is one" : `write ${cure}`}`;
  context.warnings.push({ path, text });
}

function isRetired(entry: CatalogueEntry, context: ResolveContext): boolean {
  return entry.retiredAtMs !== undefined && entry.retiredAtMs <= context.nowMs;
}

export function factsOf(name: string, family: ModelFacts["family"], targets: readonly TargetSettings[], catalogue: Catalogue): ModelFacts {
  const known =
    catalogue.entries.get(name) ?? targets.map((target) => catalogue.byUpstreamModel(target.model)).find((entry) => entry !== undefined);
  return { created: known?.created ?? 0, family: family ?? known?.family, aliasOf: undefined };
}

export function limitsOf(settings: LimitSettings): Limits {
  return {
    rpm: settings?.rpm,
    tpm: settings?.tpm,
    countRpm: settings?.count_rpm,
    cacheReadWeight: settings?.cache_read_weight,
    reserveOutput: settings?.reserve_output,
  };
}
