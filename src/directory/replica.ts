import type { Config, Workspace } from "../contract/config.ts";
import {
  type CreatedKey,
  type DirectoryActions,
  DirectoryRefusal,
  type KeyEntry,
  type KeySettings,
  type ReplicaEvents,
  type WorkspaceEntry,
  type WorkspaceSettings,
} from "./directory.ts";
import {
  asWorkspace,
  configuredKey,
  countBySource,
  freshKey,
  isOver,
  type KnownKey,
  keyEntry,
  replacedKey,
  storedEntry,
  storedKey,
  unchanged,
  unknownKey,
  unknownWorkspace,
  workspaceEntry,
} from "./entries.ts";
import { Misses } from "./misses.ts";
import type { DirectoryStore, StoredKey, StoredWorkspace } from "./store.ts";
import { Uses } from "./uses.ts";

const FLUSH_EVERY_MS = 60_000;

/**
 * The directory as this process knows it, in memory: keys and workspaces of the configuration, and all that the store holds. A known key costs one
 * map look-up and works while the store is away. The store reports changes.
 */
export class Replica implements DirectoryActions {
  readonly #store: DirectoryStore;
  readonly #events: ReplicaEvents;
  #onWorkspaces = (): void => {};
  readonly #misses: Misses;
  #config: Config;
  #byDigest = new Map<string, KnownKey>();
  #keys = new Map<string, StoredKey>();
  #workspaces = new Map<string, StoredWorkspace>();
  /** All workspaces by their names. Of two with the same name, that of the configuration. */
  #owners = new Map<string, Workspace>();
  readonly #uses: Uses;
  #workspacesText = "[]";
  #troubled = false;
  /** The load that runs, and the one that waits for its end. */
  #loading: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;
  #closed = false;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(config: Config, store: DirectoryStore, events: ReplicaEvents = {}) {
    this.#config = config;
    this.#store = store;
    this.#events = events;
    this.#uses = new Uses(store);
    this.#misses = new Misses({ find: (sha256) => this.#ask(sha256) });
    this.#index();
  }

  /** Reads the store; where that fails, what is known stays as it is and the store's state says so. Many changes at once are read once. */
  refresh(): Promise<void> {
    this.#waiting ??= this.#loading.then(() => {
      this.#waiting = undefined;
      this.#loading = this.#load();
      return this.#loading;
    });
    return this.#waiting;
  }

  /** Follows the store from now on. */
  watch(): void {
    this.#store.watch(() => void this.refresh());
    this.#timer = setInterval(() => void this.#uses.flush(), FLUSH_EVERY_MS);
    this.#timer.unref?.();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#uses.flush();
    this.#closed = true;
    await this.#store.close();
  }

  /** Calls `listener` now, and whenever the stored workspaces have changed: then what each of them may use must be computed again. */
  onWorkspaces(listener: () => void): void {
    this.#onWorkspaces = listener;
    listener();
  }

  /** Another configuration is in force. */
  configure(config: Config): void {
    this.#config = config;
    this.#index();
  }

  /** The configuration with the workspaces of the store in addition to its own. Of two with the same name, that of the configuration. */
  withWorkspaces(config: Config): Config {
    const stored = this.#storedBeside(config).map((one) => [one.name, one] as const);
    return { ...config, workspaces: { ...config.workspaces, ...Object.fromEntries(stored) } };
  }

  #storedBeside(config: Config): Workspace[] {
    return [...this.#workspaces.values()].filter(({ name }) => config.workspaces[name] === undefined).map(asWorkspace);
  }

  /** As `/readyz` shows it. */
  get state(): string {
    const counts = Object.entries(this.#counts()).map(([source, count]) => `${count} of ${source}`);
    return `${this.#store.state}: keys: ${counts.join(", ")}`;
  }

  /** The key of this digest, where this process knows it. */
  find(sha256: string, nowMs: number): KnownKey | undefined {
    const known = this.#byDigest.get(sha256);
    if (known === undefined) return undefined;
    if (this.#uses.isDue(known.lastUsedAtMs, nowMs) && nowMs < known.expiresAtMs) this.#note(known, nowMs);
    return known;
  }

  /** Asks the store for a key that this process does not know; undefined where there is none, or where the store may not be asked now. */
  findElsewhere(sha256: string): Promise<KnownKey | undefined> | undefined {
    return this.#misses.ask(sha256)?.then((key) => {
      if (key === undefined) return undefined;
      // It has just been made; the message about it is on its way.
      this.#keys.set(key.id, key);
      this.#index();
      return this.#byDigest.get(sha256);
    });
  }

  workspaces(): WorkspaceEntry[] {
    const own = Object.values(this.#config.workspaces).map((one) => this.#workspaceEntry(one, "config"));
    return [...own, ...this.#storedBeside(this.#config).map((one) => this.#workspaceEntry(one, this.#store.source))];
  }

  async createWorkspace(settings: WorkspaceSettings): Promise<WorkspaceEntry> {
    const { name } = settings;
    const exists = new DirectoryRefusal("exists", `There is a workspace "${name}" already.`);
    if (this.#config.workspaces[name] !== undefined) throw exists;
    const made: StoredWorkspace = { ...settings, createdAtMs: Date.now() };
    if (!(await this.#store.putWorkspace(made, false))) throw exists;
    await this.#took(() => this.#workspaces.set(name, made));
    return this.#workspaceEntry(asWorkspace(made), this.#store.source);
  }

  async updateWorkspace(settings: WorkspaceSettings): Promise<WorkspaceEntry> {
    const before = await this.#storedWorkspace(settings.name);
    const made: StoredWorkspace = { ...settings, createdAtMs: before.createdAtMs };
    await this.#store.putWorkspace(made, true);
    await this.#took(() => this.#workspaces.set(made.name, made));
    return this.#workspaceEntry(asWorkspace(made), this.#store.source);
  }

  async removeWorkspace(name: string): Promise<void> {
    await this.#storedWorkspace(name);
    if (!(await this.#store.removeWorkspace(name))) throw unknownWorkspace(name);
    await this.#took(() => {
      this.#workspaces.delete(name);
      for (const [id, key] of this.#keys) if (key.workspace === name) this.#keys.delete(id);
    });
  }

  keys(workspace: string): KeyEntry[] {
    if (this.#owners.get(workspace) === undefined) throw unknownWorkspace(workspace);
    return [...this.#byDigest.values()].filter((key) => key.workspace.name === workspace).map(keyEntry);
  }

  async createKey(workspace: string, settings: KeySettings): Promise<CreatedKey> {
    if (this.#owners.get(workspace) === undefined) await this.refresh();
    if (this.#owners.get(workspace) === undefined) throw unknownWorkspace(workspace);
    if (isOver(settings.expiresAtMs)) throw new DirectoryRefusal("invalid", "The key would have expired already: give a later time.");
    const { key, stored } = freshKey(workspace, settings);
    await this.#store.putKey(stored);
    await this.#took(() => this.#keys.set(stored.id, stored));
    return { key, entry: storedEntry(stored, this.#store.source) };
  }

  async rotateKey(id: string, graceMs: number, expiry?: { atMs: number | undefined }): Promise<CreatedKey> {
    if (isOver(expiry?.atMs)) throw new DirectoryRefusal("invalid", "The new key would have expired already: give a later time.");
    const old = await this.#storedKey(id);
    if (old.replacedBy !== undefined) throw replacedKey(id, old.replacedBy);
    if (isOver(old.expiresAtMs)) throw new DirectoryRefusal("invalid", `The key ${id} has expired: make a new one.`);
    const { key, stored } = freshKey(old.workspace, { ...old, expiresAtMs: expiry === undefined ? old.expiresAtMs : expiry.atMs });
    const endsAtMs = Math.min(old.expiresAtMs ?? Number.POSITIVE_INFINITY, Date.now() + graceMs);
    const ending = { ...old, expiresAtMs: endsAtMs, replacedBy: stored.id };
    // The store decides: the key may have been revoked or rotated elsewhere at this moment.
    const outcome = await this.#store.rotateKey(ending, stored);
    if (outcome === "unknown") throw unknownKey(id);
    if (outcome === "replaced") throw replacedKey(id, undefined);
    await this.#took(() => this.#keys.set(id, ending).set(stored.id, stored));
    return { key, entry: storedEntry(stored, this.#store.source) };
  }

  async revokeKey(id: string): Promise<void> {
    await this.#storedKey(id);
    if (!(await this.#store.removeKey(id))) throw unknownKey(id);
    await this.#took(() => this.#keys.delete(id));
  }

  /** A key of a workspace that does not exist is unknown. */
  async #ask(sha256: string): Promise<StoredKey | undefined> {
    const key = await this.#store.find(sha256);
    if (key === undefined || this.#owners.has(key.workspace)) return key;
    // Its workspace may be as new as the key. What is read now also shows whether the key was revoked meanwhile.
    await this.refresh();
    return this.#owners.has(key.workspace) ? this.#keys.get(key.id) : undefined;
  }

  async #load(): Promise<void> {
    try {
      const { keys, workspaces } = await this.#store.load();
      this.#troubled = false;
      this.#keys = new Map(keys.map((key) => [key.id, key]));
      this.#workspaces = new Map(workspaces.map((one) => [one.name, unchanged(this.#workspaces.get(one.name), one)]));
    } catch (thrown) {
      if (!this.#troubled && !this.#closed) this.#events.onTrouble?.(thrown instanceof Error ? thrown.message : String(thrown));
      this.#troubled = true;
      return;
    }
    this.#applied();
  }

  /** A change that the store has confirmed, in force here without waiting for its message. */
  async #took(change: () => void): Promise<void> {
    // A load that began before the change would undo it.
    await this.#loading;
    change();
    this.#applied();
    // Another process may have changed the same record after it: the store decides.
    if (this.#timer !== undefined) void this.refresh();
  }

  #applied(): void {
    this.#misses.forget();
    this.#index();
    const text = JSON.stringify([...this.#workspaces.values()]);
    if (text === this.#workspacesText) return;
    this.#workspacesText = text;
    this.#onWorkspaces();
  }

  #index(): void {
    const before = this.#byDigest;
    const now = new Map<string, KnownKey>();
    const add = (sha256: string, key: KnownKey) => {
      key.lastUsedAtMs = Math.max(key.lastUsedAtMs ?? 0, before.get(sha256)?.lastUsedAtMs ?? 0) || undefined;
      now.set(sha256, key);
    };
    this.#owners = new Map(Array.from(this.#workspaces.values(), (one) => [one.name, asWorkspace(one)]));
    for (const workspace of Object.values(this.#config.workspaces)) this.#owners.set(workspace.name, workspace);
    for (const key of this.#keys.values()) {
      const owner = this.#owners.get(key.workspace);
      if (owner !== undefined) add(key.sha256, storedKey(key, owner, this.#store.source));
    }
    for (const workspace of Object.values(this.#config.workspaces)) {
      for (const key of workspace.keys) add(key.sha256, configuredKey(key, workspace));
    }
    this.#byDigest = now;
    this.#events.onKeys?.(this.#counts(), now.values());
  }

  #counts(): Record<string, number> {
    return countBySource(this.#byDigest.values(), this.#store.source);
  }

  #note(key: KnownKey, nowMs: number): void {
    key.lastUsedAtMs = this.#uses.hourOf(nowMs);
    if (key.source !== "config") this.#uses.note(key.id, key.lastUsedAtMs);
  }

  #workspaceEntry(workspace: Workspace, source: WorkspaceEntry["source"]): WorkspaceEntry {
    let keys = 0;
    for (const key of this.#byDigest.values()) if (key.workspace.name === workspace.name) keys += 1;
    return workspaceEntry(workspace, source, keys);
  }

  async #storedKey(id: string): Promise<StoredKey> {
    if (!this.#keys.has(id)) await this.refresh();
    const key = this.#keys.get(id);
    if (key !== undefined) return key;
    const isConfigured = [...this.#byDigest.values()].some((known) => known.id === id);
    throw isConfigured ? new DirectoryRefusal("read_only", `The key ${id} is in weir.yaml: change it there.`) : unknownKey(id);
  }

  async #storedWorkspace(name: string): Promise<StoredWorkspace> {
    if (this.#config.workspaces[name] !== undefined)
      throw new DirectoryRefusal("read_only", `The workspace "${name}" is in weir.yaml: change it there.`);
    if (!this.#workspaces.has(name)) await this.refresh();
    const workspace = this.#workspaces.get(name);
    if (workspace === undefined) throw unknownWorkspace(name);
    return workspace;
  }
}
