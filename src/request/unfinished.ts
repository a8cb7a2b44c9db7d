/**
 * Answers that their upstream continues after the call: the client asked for an answer in the background, or left and may come back. The reservation of such an
 * answer stays until the answer has ended; then it is settled by the tokens that the answer used, whether or not a client asks for it. So all tokens are counted.
 * Each process asks the upstreams about the answers that it began. When a process ends, the reservations of its unfinished answers stay as they are.
 */
import { type CallEvents, type Ended, NOTHING_ALONG, ONLY_THE_END } from "../contract/call.ts";
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
  /** The upstream's id of the answer. */
  readonly id: string;
  /** The place that keeps the answer: see `Upstream.keeping`. */
  readonly place: string;
  /** The usage that was counted at the end of the call, of a stream that its client left. */
  readonly before: Usage;
  readonly begunMs: number;
  /** When the upstream is asked about it next. */
  dueMs: number;
  pauseMs: number;
  isAsked: boolean;
}

const LOOK_EVERY_MS = 500;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** An answer that takes longer is given up: a model thinks for minutes, not for days. */
const LONGEST_MS = 86_400_000;
/** An entry holds some kilobytes. With more unfinished answers, the reservation of the further ones counts as it is. */
const MOST_ENTRIES = 10_000;
/** The most answers that upstreams are asked about at the same time. */
const MOST_ASKED = 16;

export class Unfinished {
  readonly #parts: () => UnfinishedParts;
  readonly #nowMs: () => number;
  readonly #entries = new Set<Entry>();
  #asked = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param parts - Returns the parts in force. */
  constructor(parts: () => UnfinishedParts, nowMs: () => number = () => performance.now()) {
    this.#parts = parts;
    this.#nowMs = nowMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** A call has ended, and the upstream still works on its answer. */
  add(visit: Visit, { unfinished: id, usage }: Ended): void {
    const place = visit.lastAttempt?.target.upstream.keeping?.place;
    const begunMs = this.#nowMs();
    const { claim, reservation } = visit;
    // Without a reservation no window counts the call, so there is nothing to settle.
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

  /** Asks about the answers that are due. */
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
    // The configuration may have changed since the call: any target of the same place can be asked.
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

  /** The reports of the question about an answer; only the last one matters. */
  #events(entry: Entry): CallEvents {
    const over = (then: () => void): void => {
      if (!entry.isAsked) return;
      entry.isAsked = false;
      this.#asked -= 1;
      then();
    };
    return {
      ...ONLY_THE_END,
      done: ({ unfinished, usage }) => over(() => (unfinished === "" ? this.#settle(entry, usage) : this.#later(entry))),
      // The answer was deleted: its usage cannot be known any more.
      fail: ({ kind }) => over(() => (kind === "upstream_rejected" ? this.#settle(entry, noUsage()) : this.#later(entry))),
      lost: () => over(() => this.#later(entry)),
    };
  }

  /** Asks again, after a pause that grows. */
  #later(entry: Entry): void {
    entry.dueMs = this.#nowMs() + entry.pauseMs;
    entry.pauseMs = Math.min(LONGEST_PAUSE_MS, entry.pauseMs * 1.5);
  }

  /** @param used - The usage by the upstream's count; without tokens where that is not known. */
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
