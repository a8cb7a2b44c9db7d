/**
 * Keys and workspaces in Redis, shared by every gateway on it: three hashes and a version in one slot. A change is one script that writes, raises
 * the version and publishes it. Gateways listen, and also look at the version twice a second, because a message that was published while a
 * connection was down is lost.
 */
import type { Redis as RedisSettings } from "../contract/config.ts";
import { connectRedis, type RedisClient } from "../redis/connect.ts";
import { Script } from "../redis/script.ts";
import putLua from "./put.lua" with { type: "text" };
import { readKey, readWorkspace } from "./records.ts";
import removeKeyLua from "./remove-key.lua" with { type: "text" };
import removeWorkspaceLua from "./remove-workspace.lua" with { type: "text" };
import rotateLua from "./rotate.lua" with { type: "text" };
import {
  type DirectoryStore,
  DirectoryUnavailable,
  keyId,
  type Records,
  type Rotation,
  type StoredKey,
  type StoredWorkspace,
} from "./store.ts";
import touchLua from "./touch.lua" with { type: "text" };

/** The form of the records. It is part of the names in Redis, so that releases with different forms can run side by side. */
const FORM = "1";

const LOOK_EVERY_MS = 500;
/** A command that was not answered within this time has failed. Only a request with an unknown key waits for one. */
const DEADLINE_MS = 1_000;

export class RedisDirectory implements DirectoryStore {
  readonly source = "redis";
  readonly #names: Names;
  readonly #client: RedisClient;
  readonly #connect: () => RedisClient;
  readonly #put = new Script(putLua);
  readonly #rotate = new Script(rotateLua);
  readonly #removeKey = new Script(removeKeyLua);
  readonly #removeWorkspace = new Script(removeWorkspaceLua);
  readonly #touch = new Script(touchLua);
  #listener: RedisClient | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The version that was read last. */
  #version = "";
  #looking = false;
  #state = "no contact with Redis yet";
  /** The first connection is open, or has failed. */
  readonly #contact: Promise<void>;
  readonly #onWarning: (text: string) => void;
  /** Names of the records that were left out with a warning. */
  readonly #leftOut = new Set<string>();

  /** @param onWarning - gets, once, each setting of this Redis that could lose keys, and each record that cannot be read */
  constructor(settings: RedisSettings, onWarning: (text: string) => void = () => {}) {
    this.#onWarning = onWarning;
    this.#names = namesBelow(settings.prefix);
    this.#connect = () => connectRedis(settings);
    this.#client = this.#connect();
    this.#client.once("ready", () => {
      void this.risks().then((risks) => {
        for (const text of risks) onWarning(text);
      });
    });
    // The state reports the error. Without a listener it would end the process.
    this.#client.on("error", () => {});
    this.#contact = new Promise((resolve) => {
      const patience = setTimeout(resolve, DEADLINE_MS);
      const met = () => {
        clearTimeout(patience);
        resolve();
      };
      this.#client.once("ready", met);
      this.#client.once("error", met);
    });
  }

  get state(): string {
    return this.#state;
  }

  async load(): Promise<Records> {
    const { keys: keysName, used: usedName, workspaces: workspacesName, version: versionName } = this.#names;
    return await this.#ask(async (client) => {
      // The version first: a change in between is seen at the next look.
      const version = await client.get(versionName);
      const [keys, used, workspaces] = await Promise.all([
        client.hgetall(keysName),
        client.hgetall(usedName),
        client.hgetall(workspacesName),
      ]);
      this.#version = version ?? "";
      return {
        keys: this.#readable(keys, readKey).map((key) => ({ ...key, lastUsedAtMs: Number(used[key.id]) || undefined })),
        workspaces: this.#readable(workspaces, readWorkspace),
      };
    });
  }

  async find(sha256: string): Promise<StoredKey | undefined> {
    const text = await this.#ask((client) => client.hget(this.#names.keys, keyId(sha256)));
    const key = text === null ? undefined : readKey(text);
    return key?.sha256 === sha256 ? key : undefined;
  }

  async putKey(key: StoredKey): Promise<void> {
    const { keys, version, channel } = this.#names;
    await this.#run(this.#put, [keys, version], [channel, key.id, keyText(key), "anywhere"]);
  }

  async rotateKey(ending: StoredKey, fresh: StoredKey): Promise<Rotation> {
    const { keys, version, channel } = this.#names;
    const written = [channel, ending.id, keyText(ending), fresh.id, keyText(fresh)];
    const outcome = await this.#run(this.#rotate, [keys, version], written);
    return outcome === 1 ? "rotated" : outcome === 0 ? "unknown" : "replaced";
  }

  async removeKey(id: string): Promise<boolean> {
    const { keys, version, used, channel } = this.#names;
    return (await this.#run(this.#removeKey, [keys, version, used], [channel, id])) === 1;
  }

  async putWorkspace(workspace: StoredWorkspace, replace: boolean): Promise<boolean> {
    const { workspaces, version, channel } = this.#names;
    const written = [channel, workspace.name, JSON.stringify(workspace), replace ? "anywhere" : "new"];
    return (await this.#run(this.#put, [workspaces, version], written)) === 1;
  }

  async removeWorkspace(name: string): Promise<boolean> {
    const { keys, version, used, workspaces, channel } = this.#names;
    return (await this.#run(this.#removeWorkspace, [keys, version, used, workspaces], [channel, name])) === 1;
  }

  async touch(lastUsedAtMs: ReadonlyMap<string, number>): Promise<void> {
    const { keys, used } = this.#names;
    if (lastUsedAtMs.size > 0) await this.#run(this.#touch, [keys, used], [...lastUsedAtMs].flat());
  }

  async risks(): Promise<string[]> {
    const answers = await Promise.all(["persistence", "memory"].map((part) => this.#ask((client) => client.info(part)))).catch(() => []);
    const [persistence, memory] = answers;
    // A Redis that does not allow the question (managed ones) gives no answer.
    if (persistence === undefined || memory === undefined) return [];
    const risks: string[] = [];
    if (/^aof_enabled:0\r?$/m.test(persistence)) {
      risks.push("appendonly is off: keys made since the last snapshot are lost when Redis stops. Set appendonly yes.");
    }
    const policy = /^maxmemory_policy:(\S+)\r?$/m.exec(memory)?.[1] ?? "noeviction";
    if (/^maxmemory:[1-9]/m.test(memory) && policy.startsWith("allkeys"))
      risks.push(`maxmemory-policy is ${policy}: a full Redis throws keys away. Set noeviction, or a volatile- policy.`);
    return risks.map((text) => `keys are kept in Redis, but ${text}`);
  }

  watch(onChange: () => void): void {
    const listener = this.#connect();
    this.#listener = listener;
    listener.on("error", () => {});
    listener.on("message", onChange);
    // A connection that is new, or open again, has missed what was published meanwhile.
    listener.on("ready", () => void listener.subscribe(this.#names.channel).then(onChange, () => {}));
    this.#timer = setInterval(() => void this.#look(onChange), LOOK_EVERY_MS);
    this.#timer.unref?.();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#listener?.disconnect();
    this.#client.disconnect();
  }

  /** One record that cannot be read must not hide changes of the others: above all, that a key is revoked. */
  #readable<Kind>(hash: Record<string, string>, read: (text: string) => Kind | undefined): Kind[] {
    return Object.entries(hash).flatMap(([name, text]) => {
      const record = read(text);
      if (record !== undefined) return [record];
      if (!this.#leftOut.has(name)) this.#onWarning(`the record ${name} in Redis cannot be read by this Weir: it is left out`);
      this.#leftOut.add(name);
      return [];
    });
  }

  async #look(onChange: () => void): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const version = await this.#ask((client) => client.get(this.#names.version));
      if ((version ?? "") !== this.#version) onChange();
    } catch {
      // The state reports it; the next look may succeed.
    } finally {
      this.#looking = false;
    }
  }

  #run(script: Script, keys: readonly string[], words: readonly (string | number)[]): Promise<unknown> {
    return this.#ask((client) => script.run(client, keys.length, [...keys, ...words]));
  }

  /** @throws DirectoryUnavailable within the deadline. */
  async #ask<Answer>(question: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    // A client refuses every command before its first connection: a question at the start would fail.
    if (this.#client.status !== "ready") await this.#contact;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error("no answer")), DEADLINE_MS);
      });
      const answer = await Promise.race([question(this.#client), late]);
      this.#state = "ok";
      return answer;
    } catch (thrown) {
      // The client attaches the command to its error, and the command may hold a digest, so only the error's first words are passed on.
      const why = firstWords(thrown);
      this.#state = `Redis cannot be used now (${why}): keys are known as they were, changes have to wait`;
      throw new DirectoryUnavailable(`Redis cannot be used now (${why}): nothing was changed, or that is not known; check, then try again`);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The time of a key's last use is stored apart, so that writing it cannot undo a change. */
function keyText(key: StoredKey): string {
  return JSON.stringify({ ...key, lastUsedAtMs: undefined });
}

/** Names in Redis. */
interface Names {
  keys: string;
  used: string;
  workspaces: string;
  version: string;
  channel: string;
}

/** All names are in one slot of a cluster. */
function namesBelow(prefix: string): Names {
  const key = (what: string) => `${prefix}:{directory}:${FORM}:${what}`;
  return {
    keys: key("keys"),
    used: key("used"),
    workspaces: key("workspaces"),
    version: key("version"),
    channel: `${prefix}:directory:${FORM}`,
  };
}

function firstWords(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : "unknown failure";
  return /^[A-Z]{3,} /.test(text) ? (text.split(" ", 1)[0] ?? "") : "no connection";
}
