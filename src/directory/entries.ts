/** Makes one form of a key or a workspace from another: as it is stored, as it identifies requests, as administrators see it. */
import { createHash, randomBytes } from "node:crypto";
import type { Key, Limits, Workspace } from "../contract/config.ts";
import { DirectoryRefusal, type KeyEntry, type KeySettings, type WorkspaceEntry } from "./directory.ts";
import { KEY_PREFIX, keyId, type StoredKey, type StoredWorkspace } from "./store.ts";

/** A key in the form that identifies requests. */
export interface KnownKey {
  readonly id: string;
  readonly workspace: Workspace;
  /** The key's name in the access log. */
  readonly keyName: string;
  /** Milliseconds since 1970; infinite for a key that never expires. */
  readonly expiresAtMs: number;
  lastUsedAtMs: number | undefined;
  readonly source: KeyEntry["source"];
  readonly createdAtMs: number | undefined;
  readonly replacedBy: string | undefined;
  /** The bound of its open calls, where it has one: the same object for all its calls. */
  readonly bound: { id: string; maxConcurrent: number } | undefined;
}

const workspaces = new WeakMap<StoredWorkspace, Workspace>();

/** A workspace of the store in the form of the configuration; the same object for the same record. */
export function asWorkspace(stored: StoredWorkspace): Workspace {
  let workspace = workspaces.get(stored);
  if (workspace === undefined) {
    workspace = workspaceOf(stored);
    workspaces.set(stored, workspace);
  }
  return workspace;
}

function workspaceOf({ name, defaultRegion, maxConcurrent, limits, models }: StoredWorkspace): Workspace {
  const facts = { created: 0, family: undefined, aliasOf: undefined, estimate: undefined, affinity: undefined, targets: undefined };
  const own = Object.entries(models).map(([model, { limits: its }]) => [model, { ...facts, limits: { ...NO_LIMITS, ...its } }] as const);
  return {
    name,
    defaultRegion,
    maxConcurrent,
    limits: { ...NO_LIMITS, ...limits },
    upstreams: {},
    models: Object.fromEntries(own),
    keys: [],
  };
}

/** The earlier record where the new one is equal, so that what was computed for the earlier one stays valid. */
export function unchanged(before: StoredWorkspace | undefined, now: StoredWorkspace): StoredWorkspace {
  return before !== undefined && JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

/** No limits here: the next less specific place decides. */
const NO_LIMITS: Limits = { rpm: undefined, tpm: undefined, countRpm: undefined, cacheReadWeight: undefined, reserveOutput: undefined };

export function workspaceEntry(
  { name, defaultRegion, maxConcurrent, limits, models, upstreams }: Workspace,
  source: WorkspaceEntry["source"],
  keys: number,
): WorkspaceEntry {
  const ownLimits = Object.entries(models).map(([model, { limits: own }]): [string, { limits: Limits }] => [model, { limits: own }]);
  return {
    name,
    source,
    defaultRegion,
    maxConcurrent,
    limits,
    models: Object.fromEntries(ownLimits),
    upstreams: Object.keys(upstreams),
    keys,
  };
}

export function storedKey(
  { id, name, expiresAtMs = Number.POSITIVE_INFINITY, maxConcurrent, lastUsedAtMs, createdAtMs, replacedBy }: StoredKey,
  workspace: Workspace,
  source: KeyEntry["source"],
): KnownKey {
  const bound = boundOf(id, maxConcurrent);
  return { id, workspace, keyName: name, expiresAtMs, lastUsedAtMs, source, createdAtMs, replacedBy, bound };
}

function boundOf(id: string, maxConcurrent: number | undefined): KnownKey["bound"] {
  return maxConcurrent === undefined ? undefined : { id, maxConcurrent };
}

export function configuredKey(
  { sha256, name, expiresAtMs = Number.POSITIVE_INFINITY, maxConcurrent }: Key,
  workspace: Workspace,
): KnownKey {
  const id = keyId(sha256);
  const unknown = { lastUsedAtMs: undefined, createdAtMs: undefined, replacedBy: undefined };
  return { id, workspace, keyName: name, expiresAtMs, source: "config", bound: boundOf(id, maxConcurrent), ...unknown };
}

export function keyEntry({
  id,
  keyName,
  workspace,
  source,
  createdAtMs,
  lastUsedAtMs,
  expiresAtMs,
  replacedBy,
  bound,
}: KnownKey): KeyEntry {
  const ends = Number.isFinite(expiresAtMs) ? expiresAtMs : undefined;
  const maxConcurrent = bound?.maxConcurrent;
  return { id, name: keyName, workspace: workspace.name, source, createdAtMs, lastUsedAtMs, expiresAtMs: ends, replacedBy, maxConcurrent };
}

export function storedEntry(
  { id, name, workspace, createdAtMs, lastUsedAtMs, expiresAtMs, replacedBy, maxConcurrent }: StoredKey,
  source: KeyEntry["source"],
): KeyEntry {
  return { id, name, workspace, source, createdAtMs, lastUsedAtMs, expiresAtMs, replacedBy, maxConcurrent };
}

export function unknownWorkspace(name: string): DirectoryRefusal {
  return new DirectoryRefusal("unknown", `There is no workspace "${name.slice(0, 64)}".`);
}

export function replacedKey(id: string, by: string | undefined): DirectoryRefusal {
  const message =
    by === undefined
      ? `Another key has replaced ${id} already. Make a new one.`
      : `The key ${by} has replaced ${id} already. Rotate ${by}, or make a new key.`;
  return new DirectoryRefusal("replaced", message);
}

export function unknownKey(id: string): DirectoryRefusal {
  return new DirectoryRefusal("unknown", `There is no key ${id.slice(0, 64)}.`);
}

export function isOver(expiresAtMs: number | undefined): boolean {
  return expiresAtMs !== undefined && expiresAtMs <= Date.now();
}

/** A new key, and the record that is stored for it. */
export function freshKey(workspace: string, { name, expiresAtMs, maxConcurrent }: KeySettings): { key: string; stored: StoredKey } {
  const key = KEY_PREFIX + randomBytes(32).toString("base64url");
  const sha256 = createHash("sha256").update(key).digest("hex");
  const id = keyId(sha256);
  return { key, stored: { id, sha256, name, workspace, createdAtMs: Date.now(), expiresAtMs, lastUsedAtMs: undefined, maxConcurrent } };
}

/** How many keys there are by source: of the configuration, and of the store. */
export function countBySource(keys: Iterable<KnownKey>, stored: KnownKey["source"]): Record<string, number> {
  const counts: Record<string, number> = { config: 0, [stored]: 0 };
  for (const { source } of keys) counts[source] = (counts[source] ?? 0) + 1;
  return counts;
}
