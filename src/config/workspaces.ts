import type { Key, Model, Timeouts, Workspace, WorkspaceModel } from "../contract/config.ts";
import { readMoment } from "../contract/moment.ts";
import type { ResolveContext } from "./context.ts";
import { controlsOf } from "./controls.ts";
import { checkEstimate, factsOf, limitsOf, resolveTargets, warnRetired } from "./models.ts";
import { addAliases } from "./names.ts";
import { didYouMean, type Path } from "./problems.ts";
import type { WorkspaceSettings } from "./schema/workspaces.ts";
import { shown } from "./shown.ts";
import { Upstreams } from "./upstreams.ts";

interface WorkspaceSurroundings {
  /** The names at a path of the file, those of entries with mistakes included. */
  namesWritten: (path: Path) => string[];
  base: Timeouts;
  shared: Upstreams;
  models: Record<string, Model>;
  modelNames: ReadonlySet<string>;
  context: ResolveContext;
}

export function resolveWorkspace(name: string, settings: WorkspaceSettings, around: WorkspaceSurroundings): Workspace {
  const { context, shared } = around;
  const path = ["workspaces", name];
  const own = new Upstreams(context, shared);
  for (const [upstream, fields] of Object.entries(settings.upstreams ?? {})) {
    const at = [...path, "upstreams", upstream];
    if (shared.names().includes(upstream))
      context.problems.push({ path: at, text: `expected a name that is not taken, got that of the shared upstream ${shown(upstream)}` });
    own.add(upstream, fields, at, around.base, name);
  }
  own.addNames(around.namesWritten([...path, "upstreams"]));

  const models: Record<string, WorkspaceModel> = Object.create(null);
  for (const [model, fields] of Object.entries(settings.models ?? {})) {
    const at = [...path, "models", model];
    const common = around.models[model];
    if (fields.targets === undefined && !around.modelNames.has(model)) {
      const text = `expected targets, or the name of a shared model${didYouMean(model, around.modelNames)}`;
      context.problems.push({ path: at, text });
    }
    const facts = factsOf(model, fields.family ?? common?.family, fields.targets ?? [], context.catalogue);
    const { targets: ownTargets, accepts, controls } = fields;
    const aimed = { name: model, accepts, ...(controls === undefined ? {} : { controls }) };
    const targets = ownTargets && resolveTargets({ ...aimed, targets: ownTargets }, at, own, context);
    for (const target of targets === undefined && controls !== undefined ? (common?.targets ?? []) : []) {
      const upstream = own.find(target.upstream);
      if (upstream !== undefined) controlsOf([{ settings: controls, path: [...at, "controls"] }], upstream, context);
    }
    if (targets === undefined && accepts !== undefined)
      context.problems.push({
        path: [...at, "accepts"],
        text: "expected targets beside it, got none; for a shared model, set it in models",
      });
    models[model] = {
      ...facts,
      aliasOf: targets === undefined ? common?.aliasOf : undefined,
      limits: limitsOf(fields.limits),
      estimate: fields.estimate,
      affinity: fields.affinity === undefined ? undefined : fields.affinity === "on",
      controls: targets === undefined ? controls : undefined,
      targets,
    };
    checkEstimate(fields.estimate ?? "fast", facts, at, context);
    if (targets === undefined && fields.aliases !== undefined)
      context.problems.push({
        path: [...at, "aliases"],
        text: "expected targets beside them, got none; for a shared model, set them in models",
      });
    warnRetired(model, fields.targets ?? [], at, context);
  }
  addOwnAliases(models, settings.models ?? {}, path, around);
  return {
    name,
    defaultRegion: settings.default_region || undefined,
    maxConcurrent: settings.max_concurrent,
    limits: limitsOf(settings.limits),
    controls: settings.controls,
    mayControl: settings.client_controls === true,
    upstreams: own.resolved,
    models,
    keys: settings.keys.map((key, index) => resolveKey(key, [...path, "keys", String(index)], context)),
  };
}

/** Adds the aliases of the workspace's own models. Where its models are its whole list, shared models on that list keep their aliases. */
function addOwnAliases(
  models: Record<string, WorkspaceModel>,
  settings: NonNullable<WorkspaceSettings["models"]>,
  path: Path,
  { models: shared, context }: WorkspaceSurroundings,
): void {
  addAliases(models, settings, [...path, "models"], context);
  if (!Object.values(models).some(({ targets }) => targets !== undefined)) return;
  for (const [alias, { aliasOf }] of Object.entries(shared)) {
    const listed = aliasOf === undefined ? undefined : models[aliasOf];
    if (listed !== undefined && listed.targets === undefined) models[alias] ??= { ...listed, aliasOf };
  }
}

/** Digests of texts that everybody knows: the key of Weir's first example, and the empty text (of a variable that was empty when its digest was made). */
const PUBLISHED: Readonly<Record<string, string>> = {
  eb499340c74719046b7b96fe0a66afaef75faf4922b9a6ed53b352ac6a1be365: 'that of "weir_example", which everybody can read in the example',
  e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855: "that of an empty text",
};

function resolveKey(key: WorkspaceSettings["keys"][number], path: Path, context: ResolveContext): Key {
  const expiresAtMs = key.expires_at === undefined ? undefined : readMoment(key.expires_at);
  if (key.expires_at !== undefined && expiresAtMs === undefined) {
    context.problems.push({
      path: [...path, "expires_at"],
      text: "expected a time such as 2027-01-01T00:00:00Z, got a date that does not exist",
    });
  } else if (expiresAtMs !== undefined && expiresAtMs <= context.nowMs) {
    context.warnings.push({ path: [...path, "expires_at"], text: `the key ${shown(key.name)} has expired` });
  }
  const sha256 = key.sha256.toLowerCase();
  const published = PUBLISHED[sha256];
  if (published !== undefined && !context.isSandbox)
    context.problems.push({ path: [...path, "sha256"], text: `expected the digest of a key of your own, got ${published}` });
  return { name: key.name, sha256, expiresAtMs, maxConcurrent: key.max_concurrent };
}

export function checkKeys(workspaces: Record<string, Workspace>, context: ResolveContext): void {
  const owners = new Map<string, string>();
  for (const workspace of Object.values(workspaces)) {
    const names = new Set<string>();
    for (const [index, key] of workspace.keys.entries()) {
      const path = ["workspaces", workspace.name, "keys", String(index)];
      const owner = owners.get(key.sha256);
      if (owner !== undefined)
        context.problems.push({ path: [...path, "sha256"], text: `expected a key that is not in use, got the same as ${owner}` });
      if (names.has(key.name))
        context.problems.push({ path: [...path, "name"], text: `expected a name that is not taken, got ${shown(key.name)} a second time` });
      owners.set(key.sha256, `${shown(key.name)} of workspace ${shown(workspace.name)}`);
      names.add(key.name);
    }
  }
}
