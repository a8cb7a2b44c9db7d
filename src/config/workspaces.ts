import type { Key, Model, Timeouts, Workspace, WorkspaceModel } from "../contract/config.ts";
import { checkEstimate, checkNames, factsOf, limitsOf, resolveTargets, warnRetired } from "./models.ts";
import { didYouMean, type Path } from "./problems.ts";
import type { WorkspaceSettings } from "./schema.ts";
import type { Setting } from "./setting.ts";
import { Upstreams } from "./upstreams.ts";

interface WorkspaceSurroundings {
  /** The names that stand at a path of the file, wrong entries among them. */
  namesWritten: (path: Path) => string[];
  base: Timeouts;
  shared: Upstreams;
  models: Record<string, Model>;
  modelNames: ReadonlySet<string>;
  setting: Setting;
}

export function resolveWorkspace(name: string, settings: WorkspaceSettings, around: WorkspaceSurroundings): Workspace {
  const { setting, shared } = around;
  const path = ["workspaces", name];
  const own = new Upstreams(setting, shared);
  for (const [upstream, fields] of Object.entries(settings.upstreams ?? {})) {
    const at = [...path, "upstreams", upstream];
    if (shared.names().includes(upstream))
      setting.problems.push({ path: at, text: `expected a name of its own, got that of the shared upstream "${upstream}"` });
    own.add(upstream, fields, at, around.base, name);
  }
  own.addNames(around.namesWritten([...path, "upstreams"]));

  const models: Record<string, WorkspaceModel> = Object.create(null);
  checkNames(Object.keys(settings.models ?? {}), [...path, "models"], setting);
  for (const [model, fields] of Object.entries(settings.models ?? {})) {
    const at = [...path, "models", model];
    const common = around.models[model];
    if (fields.targets === undefined && !around.modelNames.has(model)) {
      const text = `expected targets, or the name of a shared model${didYouMean(model, around.modelNames)}`;
      setting.problems.push({ path: at, text });
    }
    const facts = factsOf(model, fields.family ?? common?.family, fields.targets ?? [], setting.catalogue);
    const targets = fields.targets && resolveTargets(fields.targets, undefined, at, own, setting);
    models[model] = {
      ...facts,
      aliasOf: targets === undefined ? common?.aliasOf : undefined,
      limits: limitsOf(fields.limits),
      estimate: fields.estimate,
      affinity: fields.affinity === undefined ? undefined : fields.affinity === "on",
      targets,
    };
    checkEstimate(fields.estimate ?? "fast", facts, at, setting);
    warnRetired(model, fields.targets ?? [], at, setting);
  }
  return {
    name,
    defaultRegion: settings.default_region || undefined,
    limits: limitsOf(settings.limits),
    upstreams: own.resolved,
    models,
    keys: settings.keys.map((key, index) => resolveKey(key, [...path, "keys", String(index)], setting)),
  };
}

function resolveKey(key: WorkspaceSettings["keys"][number], path: Path, setting: Setting): Key {
  const expiresAtMs = key.expires_at === undefined ? undefined : Date.parse(key.expires_at);
  if (expiresAtMs !== undefined && !Number.isFinite(expiresAtMs)) {
    setting.problems.push({
      path: [...path, "expires_at"],
      text: "expected a time such as 2027-01-01T00:00:00Z, got one that no calendar has",
    });
  } else if (expiresAtMs !== undefined && expiresAtMs <= setting.nowMs) {
    setting.warnings.push({ path: [...path, "expires_at"], text: `the key "${key.name}" has expired` });
  }
  return { name: key.name, sha256: key.sha256.toLowerCase(), expiresAtMs };
}

export function checkKeys(workspaces: Record<string, Workspace>, setting: Setting): void {
  const owners = new Map<string, string>();
  for (const workspace of Object.values(workspaces)) {
    const names = new Set<string>();
    for (const [index, key] of workspace.keys.entries()) {
      const path = ["workspaces", workspace.name, "keys", String(index)];
      const owner = owners.get(key.sha256);
      if (owner !== undefined)
        setting.problems.push({ path: [...path, "sha256"], text: `expected a key of its own, got the same as ${owner}` });
      if (names.has(key.name))
        setting.problems.push({ path: [...path, "name"], text: `expected a name that is not taken, got "${key.name}" a second time` });
      owners.set(key.sha256, `"${key.name}" of workspace "${workspace.name}"`);
      names.add(key.name);
    }
  }
}
