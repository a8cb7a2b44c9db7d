import type { ByteText } from "../src/contract/bytes.ts";
import type { Flat } from "../src/contract/messages.ts";
import { reportNotice, reportOpen } from "../src/contract/reports.ts";

/** Calls `flush` soon, and never at once. */
export type Schedule = (flush: () => void) => void;

const SAME_NOTICE_MS = 60_000;
const MOST_NOTICES = 100;

/** Gathers a worker's reports to the front: one post has the reports of all calls, and leaves when `schedule` says so. */
export class Outbox {
  readonly #post: (message: Flat) => void;
  readonly #schedule: Schedule;
  #pending: Flat = [];
  #isScheduled = false;
  /** For each notice, the time until which it is not reported again. */
  readonly #noticed = new Map<string, number>();
  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.#send();
  };

  constructor(post: (message: Flat) => void, schedule: Schedule) {
    this.#post = post;
    this.#schedule = schedule;
  }

  /** The place to write one report: the message that leaves when it is time. */
  next(): Flat {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#schedule(this.#flush);
    }
    return this.#pending;
  }

  /** The first byte of a stream, the one report that must not wait: a client waits for it. All gathered reports go with it, at once. */
  open(id: number, text: ByteText): void {
    reportOpen(this.#pending, id, text);
    this.#send();
  }

  /** Reports a text for the log, at most once in a while: what an upstream does wrong, it may do wrong with every call. */
  notice(text: string): void {
    const nowMs = performance.now();
    if (nowMs < (this.#noticed.get(text) ?? 0)) return;
    if (this.#noticed.size >= MOST_NOTICES) this.#noticed.clear();
    this.#noticed.set(text, nowMs + SAME_NOTICE_MS);
    reportNotice(this.next(), text);
  }

  #send(): void {
    if (this.#pending.length === 0) return;
    const message = this.#pending;
    this.#pending = [];
    this.#post(message);
  }
}
