import { type Flat, REPORT } from "../src/contract/messages.ts";

/** Calls `flush` soon. */
export type Schedule = (flush: () => void) => void;

const SAME_NOTICE_MS = 60_000;
const MOST_NOTICES = 100;

/** What a worker has to say to the front, gathered: one post for all calls that had something to say until `schedule` says that it is time. */
export class Outbox {
  readonly #post: (message: Flat) => void;
  readonly #schedule: Schedule;
  #pending: Flat = [];
  #isScheduled = false;
  /** Until when what has been told is not told again. */
  readonly #noticed = new Map<string, number>();
  readonly #flush = (): void => {
    this.#isScheduled = false;
    this.#send();
  };

  constructor(post: (message: Flat) => void, schedule: Schedule) {
    this.#post = post;
    this.#schedule = schedule;
  }

  /** Adds to the current message; the first field is a `REPORT`. */
  push(...fields: Flat): void {
    for (const field of fields) this.#pending.push(field);
    this.#sendSoon();
  }

  /** Tells something for the log, once in a while: what an upstream does it may do with every call. */
  notice(text: string): void {
    const nowMs = performance.now();
    if (nowMs < (this.#noticed.get(text) ?? 0)) return;
    if (this.#noticed.size >= MOST_NOTICES) this.#noticed.clear();
    this.#noticed.set(text, nowMs + SAME_NOTICE_MS);
    this.push(REPORT.notice, 0, text);
  }

  /** What an upstream has taught, for the log. */
  lesson(text: string): void {
    this.push(REPORT.lesson, 0, text);
  }

  /** `push` for the one report that there are thousands of a second of. */
  text(report: number, id: number, text: string): void {
    this.#pending.push(report, id, text);
    this.#sendSoon();
  }

  /** `text` for the one report that somebody waits for: the first byte of a stream. What has gathered goes with it. */
  urgent(report: number, id: number, text: string): void {
    this.#pending.push(report, id, text);
    this.#send();
  }

  #send(): void {
    if (this.#pending.length === 0) return;
    const message = this.#pending;
    this.#pending = [];
    this.#post(message);
  }

  #sendSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#schedule(this.#flush);
  }
}
