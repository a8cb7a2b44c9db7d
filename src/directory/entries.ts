/** The forms that keys and workspaces take on their way: as they are stored, as a request is identified by them, as administrators see them. */
import type { Limits, Workspace } from "../contract/config.ts";
import { DirectoryRefusal, type KeyEntry } from "./directory.ts";
import type { StoredKey, StoredWorkspace } from "./store.ts";

/** A key as a request is identified by it. */
export interface KnownKey {
  readonly id: string;
  readonly workspace: Workspace;
  /** For the access log. */
  readonly keyName: string;
  /** Milliseconds since 1970; infinite for a key that never expires. */
  readonly expiresAtMs: number;
  lastUsedAtMs: number | undefined;
  readonly source: KeyEntry["source"];
  readonly createdAtMs: number | undefined;
}

/** A workspace of the store as the configuration would have it. */
export function asWorkspace({ name, defaultRegion, limits, models }: StoredWorkspace): Workspace {
  const facts = { created: 0, family: undefined, aliasOf: undefined, estimate: undefined, targets: undefined };
  const own = Object.entries(models).map(([model, { limits: its }]) => [model, { ...facts, limits: { ...NO_LIMITS, ...its } }] as const);
  return { name, defaultRegion, limits: { ...NO_LIMITS, ...limits }, upstreams: {}, models: Object.fromEntries(own), keys: [] };
}

/** Left to the next less specific place. */
const NO_LIMITS: Limits = { rpm: undefined, tpm: undefined, cacheReadWeight: undefined, reserveOutput: undefined };

export function keyEntry({ id, keyName, workspace, source, createdAtMs, lastUsedAtMs, expiresAtMs }: KnownKey): KeyEntry {
  const ends = Number.isFinite(expiresAtMs) ? expiresAtMs : undefined;
  return { id, name: keyName, workspace: workspace.name, source, createdAtMs, lastUsedAtMs, expiresAtMs: ends };
}

export function storedEntry(
  { id, name, workspace, createdAtMs, lastUsedAtMs, expiresAtMs }: StoredKey,
  source: KeyEntry["source"],
): KeyEntry {
  return { id, name, workspace, source, createdAtMs, lastUsedAtMs, expiresAtMs };
}

export function unknownWorkspace(name: string): DirectoryRefusal {
  return new DirectoryRefusal("unknown", `There is no workspace "${name.slice(0, 64)}".`);
}

export function unknownKey(id: string): DirectoryRefusal {
  return new DirectoryRefusal("unknown", `There is no key ${id.slice(0, 64)}.`);
}
