import type { Config, Upstream, Workspace } from "../contract/config.ts";
import { providers } from "../providers/index.ts";
import type { ResolveContext } from "./context.ts";
import { didYouMean } from "./problems.ts";
import type { File } from "./schema/file.ts";
import { namesAmong } from "./shown.ts";

/** Checks that need the whole configuration, for one without other mistakes. */
export function checkWhole(config: Config, file: File, context: ResolveContext): void {
  const { problems, warnings } = context;
  const workspaces = Object.values(config.workspaces);
  const hasUpstreams =
    Object.keys(config.upstreams).length > 0 || workspaces.some((workspace) => Object.keys(workspace.upstreams).length > 0);
  if (!hasUpstreams && !context.isSandbox) problems.push({ path: ["upstreams"], text: "expected at least one upstream, got none" });
  else if (Object.keys(config.upstreams).length > 0 && Object.keys(config.models).length === 0) {
    const cure =
      file.models === undefined ? "; the catalogue has none for these regions, so list them" : "; leave it out for the whole catalogue";
    problems.push({ path: ["models"], text: `expected at least one model that these upstreams serve, got none${cure}` });
  }
  if (workspaces.length === 0 && !context.isSandbox) warnings.push({ path: ["workspaces"], text: "there are none, so no client can call" });

  const used = new Set(Object.values(config.models).flatMap((model) => model.targets.map((target) => target.upstream)));
  for (const workspace of workspaces) {
    const offered = offeredTo(workspace, config);
    for (const target of offered) used.add(target.upstream.name);
    const regions = [...new Set(offered.map((target) => target.upstream.region))].sort();
    if (workspace.defaultRegion !== undefined && !regions.includes(workspace.defaultRegion)) {
      const text = `expected a region that serves a model to this workspace (${namesAmong(regions).join(", ") || "there is none"}), got another text${didYouMean(workspace.defaultRegion, namesAmong(regions))}`;
      problems.push({ path: ["workspaces", workspace.name, "default_region"], text });
    }
    for (const control of Object.keys(workspace.controls ?? {})) {
      const without = offered.filter(
        ({ upstream }) => !Object.hasOwn(providers.get(upstream.provider)?.controls.properties ?? {}, control),
      );
      const clouds = [...new Set(without.map(({ upstream }) => upstream.provider))].join(", ");
      const text = `works only at clouds that have it; calls of this workspace to ${clouds} are made without it`;
      if (clouds !== "") warnings.push({ path: ["workspaces", workspace.name, "controls", control], text });
    }
    for (const [name, upstream] of Object.entries(workspace.upstreams)) {
      if (!used.has(upstream.name)) warnings.push({ path: ["workspaces", workspace.name, "upstreams", name], text: "no model uses it" });
    }
  }
  for (const name of Object.keys(config.upstreams))
    if (!used.has(name)) warnings.push({ path: ["upstreams", name], text: "no model uses it" });
  if (config.processes > 1 && config.redis === undefined) {
    const text = `limits are kept in memory by each of the ${config.processes} processes for itself, so a workspace may use its limit ${config.processes} times; set redis to share them`;
    warnings.push({ path: ["processes"], text });
  }
  if (file.limits.tpm < 256) warnings.push({ path: ["limits", "tpm"], text: "is so small that hardly any request fits" });
}

/** The upstreams of all targets that a workspace can reach, one entry for each target. */
function offeredTo(workspace: Workspace, config: Config): { upstream: Upstream }[] {
  const entries = Object.entries(workspace.models);
  const hasOwnList = entries.some(([, model]) => model.targets !== undefined);
  const models = hasOwnList
    ? entries.map(([name, model]) => model.targets ?? config.models[name]?.targets ?? [])
    : Object.values(config.models).map((model) => model.targets);
  return models.flat().flatMap((target) => {
    const upstream = workspace.upstreams[target.upstream] ?? config.upstreams[target.upstream];
    return upstream === undefined ? [] : [{ upstream }];
  });
}
