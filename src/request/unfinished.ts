/**
 * Answers that their upstream goes on with after their call: made in the background, or left by a client that may come back. What was reserved for one
 * stands until it has ended; then it is settled by what it has used, as any other call, whether or not anybody asks for it. So nobody gets tokens that are
 * not counted. A process asks for those that it began; of one that ends, what was reserved stands.
 */
import { type CallEvents, type Ended, NOTHING_ALONG } from "../contract/call.ts";
import { noUsage, tokensOf, type Usage } from "../contract/usage.ts";
import type { Admission, Claim } from "../limiter/admission.ts";
import type { Reservation } from "../limiter/limiter.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { WorkerPool } from "../pool/pool.ts";
import type { Catalog } from "../routing/catalog.ts";
import type { Totals } from "../usage/totals.ts";
import type { AccessLog } from "./access-log.ts";
import type { Visit } from "./visit.ts";

export interface UnfinishedParts {
  catalog: Catalog;
  pool: Pick<WorkerPool, "call">;
  admission: Pick<Admission, "settleLate">;
  metrics: Pick<Metrics, "tokensUsed">;
  totals: Pick<Totals, "count">;
  accessLog: Pick<AccessLog, "addLate">;
}

interface Entry {
  readonly visit: Visit;
  readonly claim: Claim;
  readonly reservation: Reservation;
  /** The upstream's. */
  readonly id: string;
  readonly place: string;
  /** Counted already, of a stream that its client left. */
  readonly before: Usage;
  readonly begunMs: number;
  /** When it is asked for next. */
  dueMs: number;
  pauseMs: number;
  isAsked: boolean;
}

const LOOK_EVERY_MS = 500;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** A model thinks for minutes, not for days. */
const LONGEST_MS = 86_400_000;
/** Some kilobytes each. What is beyond them costs what was reserved for it. */
const MOST_ENTRIES = 10_000;
/** Asked for at a time. */
const MOST_ASKED = 16;

const ignore = (): void => {};

export class Unfinished {
  readonly #parts: () => UnfinishedParts;
  readonly #nowMs: () => number;
  readonly #entries = new Set<Entry>();
  #asked = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param parts - Those in force. */
  constructor(parts: () => UnfinishedParts, nowMs: () => number = () => performance.now()) {
    this.#parts = parts;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A call has ended whose answer has not. */
  add(visit: Visit, { unfinished: id, usage }: Ended): void {
    const place = visit.lastAttempt?.target.upstream.keeping?.place;
    const begunMs = this.#nowMs();
    const { claim, reservation } = visit;
    // Nobody counts it.
    if (reservation === undefined) return;
    if (id === "?" || place === undefined || this.#entries.size >= MOST_ENTRIES) {
      this.#parts().admission.settleLate(claim, reservation, usage);
      return;
    }
    const pauseMs = FIRST_PAUSE_MS;
    this.#entries.add({
      visit,
      claim,
      reservation,
      id,
      place,
      before: usage,
      begunMs,
      dueMs: begunMs + pauseMs,
      pauseMs,
      isAsked: false,
    });
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref?.();
  }

  /** Asks for those that are due. */
  look(): void {
    const nowMs = this.#nowMs();
    for (const entry of this.#entries) {
      if (this.#asked >= MOST_ASKED) break;
      if (entry.isAsked || nowMs < entry.dueMs) continue;
      if (nowMs - entry.begunMs > LONGEST_MS) this.#settle(entry, noUsage());
      else this.#ask(entry);
    }
    if (this.#entries.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #ask(entry: Entry): void {
    const { visit, claim, id, place } = entry;
    const { catalog, pool } = this.#parts();
    const { dialect, region } = visit;
    const offers = catalog.served(claim.workspace, dialect.upstream, region);
    // The configuration may have others by now.
    const target = [...offers.values()].flatMap(({ targets }) => targets).find(({ upstream }) => upstream.keeping?.place === place);
    if (target === undefined) {
      this.#settle(entry, noUsage());
      return;
    }
    const call = pool.call(
      {
        dialect: dialect.upstream,
        operation: "kept_usage",
        target: target.id,
        isLast: true,
        stream: false,
        model: claim.model,
        hints: "",
        owner: claim.workspace,
        along: NOTHING_ALONG,
        guess: 0,
        factor: 1,
        body: id,
      },
      this.#events(entry),
    );
    if (call === undefined) this.#later(entry);
    else {
      entry.isAsked = true;
      this.#asked += 1;
    }
  }

  #events(entry: Entry): CallEvents {
    const over = (then: () => void): void => {
      if (!entry.isAsked) return;
      entry.isAsked = false;
      this.#asked -= 1;
      then();
    };
    return {
      weighed: ignore,
      sent: ignore,
      estimated: ignore,
      dropped: ignore,
      guarded: ignore,
      open: ignore,
      chunk: ignore,
      answer: ignore,
      missed: ignore,
      done: ({ unfinished, usage }) => over(() => (unfinished === "" ? this.#settle(entry, usage) : this.#later(entry))),
      // It was deleted: nobody can say any more what it has used.
      fail: ({ kind }) => over(() => (kind === "upstream_rejected" ? this.#settle(entry, noUsage()) : this.#later(entry))),
      lost: () => over(() => this.#later(entry)),
    };
  }

  #later(entry: Entry): void {
    entry.dueMs = this.#nowMs() + entry.pauseMs;
    entry.pauseMs = Math.min(LONGEST_PAUSE_MS, entry.pauseMs * 1.5);
  }

  /** @param used - Nothing, where nobody knows. */
  #settle(entry: Entry, used: Usage): void {
    const { visit, claim, reservation, before } = entry;
    const { admission, metrics, totals, accessLog } = this.#parts();
    this.#entries.delete(entry);
    const usage = tokensOf(used) > 0 ? used : before;
    admission.settleLate(claim, reservation, used, before);
    totals.count(claim.workspace, claim.model, usage, 0);
    metrics.tokensUsed(claim.workspace, claim.model, usage);
    accessLog.addLate(visit, usage, this.#nowMs());
  }
}
