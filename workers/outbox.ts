import type { ByteText } from "../src/contract/bytes.ts";
import type { Flat } from "../src/contract/messages.ts";
import { reportNotice, reportOpen } from "../src/contract/reports.ts";

/** Calls `flush` soon, and never at once. */
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

  /** Where one report is to be written: the message that leaves when it is time. */
  next(): Flat {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      this.#schedule(this.#flush);
    }
    return this.#pending;
  }

  /** The one report that somebody waits for: the first byte of a stream. What has gathered goes with it, at once. */
  open(id: number, text: ByteText): void {
    reportOpen(this.#pending, id, text);
    this.#send();
  }

  /** Tells something for the log, once in a while: what an upstream does it may do with every call. */
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
