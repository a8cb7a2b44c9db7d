import type { Limits } from "../contract/config.ts";

/** A key as it is kept: never the key itself. Times are milliseconds since 1970. */
export interface StoredKey {
  /** `key_` and the first 16 digits of `sha256`: stable, and safe to print. */
  id: string;
  /** Lower-case hexadecimal SHA-256 of the whole key. */
  sha256: string;
  name: string;
  workspace: string;
  createdAtMs: number;
  /** Undefined: it never expires. */
  expiresAtMs: number | undefined;
  /** When it was last seen, to the hour; undefined where it has not been used yet. */
  lastUsedAtMs: number | undefined;
  /** The id of the key that was made in place of this one; undefined where there is none. */
  replacedBy?: string | undefined;
  /** Calls that it may have open at a time in one process; undefined: as many as its workspace. */
  maxConcurrent?: number | undefined;
}

/** A workspace made at run time: served by the shared models, within its own limits. */
export interface StoredWorkspace {
  name: string;
  defaultRegion: string | undefined;
  /** Calls at a time in one process; undefined: a share of all. */
  maxConcurrent?: number | undefined;
  limits: Limits;
  /** Limits of single models. */
  models: Record<string, { limits: Limits }>;
  createdAtMs: number;
}

/** Everything that a store holds, at one moment. */
export interface Records {
  keys: readonly StoredKey[];
  workspaces: readonly StoredWorkspace[];
}

/** The result of a rotation: done; there is no such key; the key was replaced before. */
export type Rotation = "rotated" | "unknown" | "replaced";

type StoreSource = "file" | "redis";

/**
 * Where keys and workspaces made at run time are kept. When a method resolves, its change is stored and survives this process. Several gateways and commands may
 * use one store at once. Every implementation passes the tests of `test/unit/directory/exam.ts`.
 *
 * @throws DirectoryUnavailable from every method where the store cannot be reached or written.
 */
export interface DirectoryStore {
  readonly source: StoreSource;
  /** All records. */
  load(): Promise<Records>;
  /** One key by its digest, past every cache. */
  find(sha256: string): Promise<StoredKey | undefined>;
  /** Writes a key; it replaces one with the same id. */
  putKey(key: StoredKey): Promise<void>;
  /** Writes a key that ends, over the one with its id, and the key that replaces it: both or neither, and once for each key even where several processes try. */
  rotateKey(ending: StoredKey, fresh: StoredKey): Promise<Rotation>;
  /** False where there was none. */
  removeKey(id: string): Promise<boolean>;
  /** False where there is one of this name and `replace` is off. */
  putWorkspace(workspace: StoredWorkspace, replace: boolean): Promise<boolean>;
  /** Removes it and all its keys; false where there was none. */
  removeWorkspace(name: string): Promise<boolean>;
  /** Writes when keys were last used; keys that are gone are ignored. */
  touch(lastUsedAtMs: ReadonlyMap<string, number>): Promise<void>;
  /** Calls back within a second of any change, also one made elsewhere, and when a lost connection is open again. To be called once. */
  watch(onChange: () => void): void;
  /** `ok…`, or what is wrong: for `/readyz`. */
  readonly state: string;
  /** Settings of the store itself that could lose keys: one sentence each, with its cure. Left out by a store without such settings. */
  risks?(): Promise<string[]>;
  close(): Promise<void>;
}

/** The store cannot be reached or written; the message says why and what to do, and holds no secret. */
export class DirectoryUnavailable extends Error {}

/** What every key begins with, so that one left in a repository is found by secret scanners. */
export const KEY_PREFIX = "weir_";

/** The id of a key by its digest: stable, and safe to print. */
export function keyId(sha256: string): string {
  return `key_${sha256.slice(0, 16)}`;
}
