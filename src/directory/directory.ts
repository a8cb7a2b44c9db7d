/** What administrators see of the directory and do with it: the interface between `replica.ts`, which has the directory, and the admin API and command line. */
import type { Limits } from "../contract/config.ts";

/** A key as it may be shown. Times are milliseconds since 1970. */
export interface KeyEntry {
  id: string;
  name: string;
  workspace: string;
  source: "config" | "file" | "redis";
  /** Undefined for a key of weir.yaml. */
  createdAtMs: number | undefined;
  lastUsedAtMs: number | undefined;
  expiresAtMs: number | undefined;
  /** The id of the key that has replaced this one in a rotation. */
  replacedBy: string | undefined;
  /** Calls that it may have open at a time in one process; undefined: as many as its workspace. */
  maxConcurrent: number | undefined;
}

/** The settings of a new key. */
export interface KeySettings {
  name: string;
  expiresAtMs: number | undefined;
  /** Calls that it may have open at a time in one process; left out: as many as its workspace. */
  maxConcurrent?: number | undefined;
}

export interface WorkspaceEntry {
  name: string;
  source: "config" | "file" | "redis";
  defaultRegion: string | undefined;
  maxConcurrent: number | undefined;
  limits: Limits;
  models: Record<string, { limits: Limits }>;
  /** Names of its own upstreams; never their settings. */
  upstreams: string[];
  keys: number;
}

export interface CreatedKey {
  /** The key itself: shown once, kept nowhere. */
  key: string;
  entry: KeyEntry;
}

export interface WorkspaceSettings {
  name: string;
  defaultRegion: string | undefined;
  /** Calls at a time in one process; left out: a share of all. */
  maxConcurrent?: number | undefined;
  limits: Limits;
  /** Limits of single models. */
  models: Record<string, { limits: Limits }>;
}

/** What administrators do, over the admin API, or on the command line without a running gateway. */
export interface DirectoryActions {
  workspaces(): WorkspaceEntry[];
  /** @throws DirectoryRefusal exists | read_only */
  createWorkspace(settings: WorkspaceSettings): Promise<WorkspaceEntry>;
  updateWorkspace(settings: WorkspaceSettings): Promise<WorkspaceEntry>;
  /** Removes a workspace with all its keys. @throws DirectoryRefusal unknown | read_only */
  removeWorkspace(name: string): Promise<void>;
  /** @throws DirectoryRefusal unknown */
  keys(workspace: string): KeyEntry[];
  /** @throws DirectoryRefusal unknown (workspace) | invalid (already expired) */
  createKey(workspace: string, settings: KeySettings): Promise<CreatedKey>;
  /**
   * Makes a new key with the name, workspace, bound and (unless another is given) expiry of an old one. The old key ends after the grace.
   * @throws DirectoryRefusal unknown | read_only | replaced (by an earlier rotation) | invalid (expired, or would be at once)
   */
  rotateKey(id: string, graceMs: number, expiry?: { atMs: number | undefined }): Promise<CreatedKey>;
  /** Revokes a key at once. @throws DirectoryRefusal unknown | read_only */
  revokeKey(id: string): Promise<void>;
}

/** What was asked cannot be done; the message is for the person who asked. Admin API: unknown 404, exists, read_only and replaced 409, invalid 400. */
export class DirectoryRefusal extends Error {
  readonly reason: "unknown" | "exists" | "read_only" | "replaced" | "invalid";
  constructor(reason: DirectoryRefusal["reason"], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** When a key expires, and whether the key is in use. */
interface Expiry {
  readonly workspace: { readonly name: string };
  /** Milliseconds since 1970; infinite for a key that never expires. */
  readonly expiresAtMs: number;
  readonly replacedBy: string | undefined;
}

/** What the directory reports to the process. */
export interface ReplicaEvents {
  /** The number of keys by source, and all keys. */
  onKeys?: ((counts: Readonly<Record<string, number>>, keys: Iterable<Expiry>) => void) | undefined;
  /** The store could not be read; what was known stays in force. Once per change of state. */
  onTrouble?: ((text: string) => void) | undefined;
}
