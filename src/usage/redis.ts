/** Day totals shared by every gateway on one Redis. Counted in memory, added to Redis every few seconds: a call never waits for them. */
import { randomBytes } from "node:crypto";
import type { Usage } from "../contract/usage.ts";
import { Deadline } from "../limiter/deadline.ts";
import type { RedisClient } from "../redis/connect.ts";
import { Script, type ScriptClient } from "../redis/script.ts";
import { type Counts, dayNumber, dayText, FIELDS, gather, Tally } from "./tally.ts";
import totalsLua from "./totals.lua" with { type: "text" };
import { KEPT_DAYS, type Reading, type Totals, TotalsUnavailable } from "./totals.ts";

export interface RedisTotalsOptions {
  client: RedisClient;
  /** See `Redis.prefix`. */
  prefix?: string | undefined;
  /** How often what was counted is written. */
  writeEveryMs?: number | undefined;
  /** The longest wait for a command. */
  patienceMs?: number | undefined;
  /** Milliseconds since 1970; tests give their own. */
  nowMs?: (() => number) | undefined;
}

/** Amounts to be added to one workspace and day. */
interface Batch {
  readonly workspace: string;
  readonly day: string;
  readonly number: number;
  readonly fields: (string | number)[];
}

const WRITE_EVERY_MS = 2_000;
const PATIENCE_MS = 2_000;
const DAY_S = 86_400;
/** One day longer than the totals are shown, for gateways whose clocks differ. */
const TOTALS_KEPT_S = (KEPT_DAYS + 1) * DAY_S;
/** Longer than any batch stays unconfirmed. */
const MARK_KEPT_S = DAY_S;

export class RedisTotals implements Totals {
  readonly sinceMs = undefined;
  readonly #client: RedisClient;
  readonly #scripts: ScriptClient;
  readonly #script = new Script(totalsLua);
  readonly #prefix: string;
  readonly #nowMs: () => number;
  readonly #deadline: Deadline;
  readonly #sender = randomBytes(6).toString("hex");
  readonly #timer: ReturnType<typeof setInterval>;
  #tally = new Tally();
  /** Amounts that were taken from the tally and are not known to be in Redis: they are sent again unchanged, so that Redis can recognise one that it has counted. */
  #unconfirmed: Batch[] = [];
  #batches = 0;
  #writing: Promise<void> | undefined;
  #connecting: Promise<void> | undefined;

  constructor({ client, prefix = "weir", writeEveryMs = WRITE_EVERY_MS, patienceMs = PATIENCE_MS, nowMs = Date.now }: RedisTotalsOptions) {
    this.#client = client;
    this.#prefix = prefix;
    this.#scripts = client;
    this.#nowMs = nowMs;
    this.#deadline = new Deadline(patienceMs);
    // A lost connection is opened again by itself; the limiter reports it in the log and the metrics.
    client.on("error", () => {});
    this.#timer = setInterval(() => void this.write(), writeEveryMs);
    this.#timer.unref?.();
  }

  count(workspace: string, model: string, usage: Usage | undefined, requests: 0 | 1 = 1): void {
    this.#tally.add(this.#nowMs(), workspace, model, usage, requests);
  }

  /** Writes to Redis what was counted, or keeps it for the next time. Never rejects. */
  write(): Promise<void> {
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async read(workspace: string): Promise<Reading> {
    await this.#deadline.run(this.#connected(), unavailable);
    await this.write();
    // One more write, where the write above was already under way when the last call ended.
    await this.write();
    const reading = new Map<string, Map<string, Counts>>();
    const today = dayNumber(this.#nowMs());
    const days = Array.from({ length: KEPT_DAYS }, (_, ago) => dayText(today - ago));
    const asked = Promise.all(days.map((day) => this.#client.hgetall(this.#key(workspace, day))));
    const hashes = await this.#deadline.run(asked, unavailable).catch(() => {
      throw unavailable();
    });
    for (const [at, hash] of hashes.entries()) {
      for (const [field, text] of Object.entries(hash)) {
        const cut = field.lastIndexOf(" ");
        gather(reading, field.slice(0, cut), days[at] ?? "", { [field.slice(cut + 1)]: Number(text) });
      }
    }
    return reading;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.write();
    this.#client.disconnect();
  }

  /** All totals of a workspace are in one slot of a cluster. Names of workspaces hold no brace. */
  #key(workspace: string, day: string): string {
    return `${this.#prefix}:{usage:${workspace}}:${day}`;
  }

  #connected(): Promise<void> {
    if (this.#client.status === "ready") return Promise.resolve();
    this.#connecting ??= new Promise((resolve) => {
      this.#client.once("ready", () => {
        this.#connecting = undefined;
        resolve();
      });
    });
    return this.#connecting;
  }

  async #write(): Promise<void> {
    if (this.#unconfirmed.length === 0) this.#unconfirmed = this.#takeBatches();
    const outcomes = await Promise.allSettled(this.#unconfirmed.map((batch) => this.#send(batch)));
    this.#unconfirmed = this.#unconfirmed.filter((_, at) => outcomes[at]?.status === "rejected");
  }

  #takeBatches(): Batch[] {
    const batches: Batch[] = [];
    for (const [number, workspaces] of this.#tally.take().days) {
      for (const [workspace, models] of workspaces) {
        const fields = [...models].flatMap(([model, counts]) =>
          FIELDS.flatMap((field) => (counts[field] === 0 ? [] : [`${model} ${field}`, counts[field]])),
        );
        this.#batches += 1;
        batches.push({ workspace, day: dayText(number), number: this.#batches, fields });
      }
    }
    return batches;
  }

  async #send({ workspace, day, number, fields }: Batch): Promise<void> {
    const key = this.#key(workspace, day);
    const keysAndArguments = [key, `${key}:${this.#sender}`, number, TOTALS_KEPT_S, MARK_KEPT_S, ...fields];
    await this.#deadline.run(this.#script.run(this.#scripts, 2, keysAndArguments), unavailable);
  }
}

function unavailable(): TotalsUnavailable {
  return new TotalsUnavailable("The totals of the days are in Redis, which does not answer. Nothing is lost; please try again.");
}
