/** Windows that all gateways of one Redis share: the algorithm of `ring.lua`, by Redis's own clock, with one round trip for a reservation. */
import { randomBytes } from "node:crypto";
import { CommandTimeout } from "../redis/command-timeout.ts";
import type { RedisClient } from "../redis/connect.ts";
import { Script, type ScriptClient } from "../redis/script.ts";
import adjustLua from "./adjust.lua" with { type: "text" };
import reserveLua from "./reserve.lua" with { type: "text" };
import { ReserveQueue } from "./reserve-queue.ts";
import ringLua from "./ring.lua" with { type: "text" };
import { type Batch, SettlementQueue } from "./settlement-queue.ts";
import { type Adjustment, type FailureKind, type LimiterStore, type StoreAnswer, type StoreAsk, StoreFailure } from "./store.ts";

export interface RedisStoreOptions {
  client: RedisClient;
  /** See `Redis.prefix`. */
  prefix?: string | undefined;
  /** No command is waited for longer. */
  timeoutMs: number;
  /** Length of the windows: a minute. Only tests have shorter ones, with the same resolution of a 600th. */
  windowMs?: number | undefined;
  /** How long settlements are gathered before they are sent. */
  gatherMs?: number | undefined;
  /** Microseconds since 1970, in place of Redis's own clock. Only tests set it. */
  nowUs?: (() => number) | undefined;
  /** Called when there is a connection, the first one or a new one. */
  onConnected?: (() => void) | undefined;
  /** Called when a command with settlements was answered. */
  onSettled?: ((durationMs: number) => void) | undefined;
  /** Called when a command failed. `reserve` and `probe` also reject with the failure. */
  onFailure?: ((failure: StoreFailure) => void) | undefined;
  /** Called with the number of settlements that were given up, because they could not be delivered for a whole window. */
  onLost?: ((count: number) => void) | undefined;
}

/** The form of a ring's value, as a part of its key: so releases with different forms can run side by side. */
const FORM = "1";

export class RedisStore implements LimiterStore {
  readonly name = "redis";
  readonly #options: RedisStoreOptions;
  readonly #client: RedisClient;
  readonly #scripts: ScriptClient;
  readonly #reserve = new Script(`${ringLua}\n${reserveLua}`);
  readonly #adjust = new Script(`${ringLua}\n${adjustLua}`);
  readonly #timeout: CommandTimeout;
  readonly #reserveQueue: ReserveQueue;
  readonly #settlementQueue: SettlementQueue;
  /** The prefix of every ring's key. */
  readonly #prefix: string;
  readonly #tickUs: number;
  readonly #keepMs: number;
  /** The name of this process in the marks of its settlements. */
  readonly #sender = randomBytes(6).toString("hex");
  #connectionError = "";
  #probes = 0;

  constructor(options: RedisStoreOptions) {
    const windowMs = options.windowMs ?? 60_000;
    this.#options = options;
    this.#prefix = `${options.prefix ?? "weir"}:${FORM}:`;
    this.#client = options.client;
    this.#scripts = options.client;
    this.#timeout = new CommandTimeout(options.timeoutMs);
    this.#tickUs = (windowMs * 1000) / 600;
    this.#keepMs = windowMs * 2;
    this.#reserveQueue = new ReserveQueue({
      timeoutMs: options.timeoutMs,
      onePair: this.#client.isCluster,
      send: (keys, asks) => this.#sendAsks(keys, asks),
      isUnsettled: (key) => this.#settlementQueue.has(key),
      settle: (key) => this.#settlementQueue.deliver(key),
      missed: () => this.#missed(),
      failed: (error) => this.#report(error),
    });
    this.#settlementQueue = new SettlementQueue({
      gatherMs: options.gatherMs ?? 10,
      windowMs,
      send: (key, batch) => this.#sendBatch(key, batch),
      lost: (batch) => options.onLost?.(batch.changes.size),
    });
    this.#client.on("error", (error: Error) => {
      this.#connectionError = failureText(error);
    });
    this.#client.on("ready", () => {
      this.#connectionError = "";
      options.onConnected?.();
    });
  }

  /** Pairs with settlements that Redis has not confirmed. */
  get unsettled(): number {
    return this.#settlementQueue.size;
  }

  reserve(ask: StoreAsk): Promise<StoreAnswer> {
    return this.#reserveQueue.add(ask);
  }

  adjust(adjustment: Adjustment): void {
    this.#settlementQueue.add(adjustment);
  }

  flush(): Promise<void> {
    return this.#settlementQueue.flush();
  }

  /** Sends a settlement of nothing: by the same commands as a real one, and it leaves a mark that expires. */
  async probe(): Promise<void> {
    // In a cluster, different keys are on different nodes: the probes go to all of them in turn.
    const key = `probe/${this.#probes++ % 16}`;
    await this.#sendBatch(key, { number: this.#probes, sinceMs: 0, changes: new Map(), debt: 0 });
  }

  /** Delivers what it can within one or two time-outs, and disconnects. */
  async close(): Promise<void> {
    await this.#settlementQueue.flush();
    this.#settlementQueue.stop();
    this.#client.disconnect();
  }

  async #sendAsks(keys: readonly string[], asks: string): Promise<unknown> {
    const rings = keys.map((key) => `${this.#prefix}{${key}}`);
    const reply = await this.#reserve.run(this.#scripts, rings.length, [...rings, this.#tickUs, this.#nowUs(), asks]);
    this.#settlementQueue.resume();
    return reply;
  }

  async #sendBatch(key: string, batch: Batch): Promise<void> {
    const ring = `${this.#prefix}{${key}}`;
    const keysAndArguments = [ring, `${ring}:${this.#sender}`, this.#tickUs, this.#nowUs(), batch.number, this.#keepMs, batch.debt];
    for (const [tick, [requests, tokens]] of batch.changes) keysAndArguments.push(tick, requests, tokens);
    const beganMs = performance.now();
    try {
      await this.#timeout.run(this.#adjust.run(this.#scripts, 2, keysAndArguments), () => this.#missed());
    } catch (error) {
      throw this.#report(error);
    }
    this.#settlementQueue.resume();
    this.#options.onSettled?.(performance.now() - beganMs);
  }

  /** Reports the failure of a command, and returns it. */
  #report(error: unknown): StoreFailure {
    const failure = error instanceof StoreFailure ? error : this.#failure(error);
    this.#options.onFailure?.(failure);
    return failure;
  }

  #missed(): StoreFailure {
    return new StoreFailure("timeout", `no answer within ${this.#options.timeoutMs} ms`);
  }

  #failure(error: unknown): StoreFailure {
    const text = failureText(error);
    // ioredis says only "Stream isn't writeable"; the last error of the connection says why.
    const reason = failureKind(text) === "connection" && this.#connectionError !== "" ? this.#connectionError : text;
    return new StoreFailure(failureKind(reason), reason);
  }

  /** 0 has the script ask Redis for the time. */
  #nowUs(): number {
    return this.#options.nowUs === undefined ? 0 : Math.floor(this.#options.nowUs());
  }
}

/** Only the message of an error: ioredis attaches the command to the error, and an AUTH command contains the password. */
function failureText(error: unknown): string {
  if (!(error instanceof Error)) return "unknown failure";
  const cause = (error as { lastNodeError?: unknown }).lastNodeError;
  return cause instanceof Error ? `${error.message} ${cause.message}` : error.message || error.name;
}

function failureKind(text: string): FailureKind {
  if (/\b(NOAUTH|WRONGPASS|NOPERM|invalid password|invalid username-password)/i.test(text)) return "auth";
  // An error of Redis itself begins with a word in capitals: READONLY, LOADING, OOM, CLUSTERDOWN, ERR.
  return /^[A-Z]{3,} /.test(text) ? "reply" : "connection";
}
