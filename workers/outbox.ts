import type { Flat } from "../src/contract/messages.ts";

/**
 * What the worker has to say to the front: one post for all calls that had something to say in this turn of the event loop. `setImmediate` ends the
 * turn and not a microtask, because the runtime works those off after each socket that it reads: every report would be a post of its own.
 */
export class Outbox {
  readonly #post: (message: Flat) => void;
  #pending: Flat = [];
  #scheduled = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    this.#send();
  };

  constructor(post: (message: Flat) => void) {
    this.#post = post;
  }

  /** Adds to the current message; the first field is a `REPORT`. */
  push(...fields: Flat): void {
    for (const field of fields) this.#pending.push(field);
    this.#schedule();
  }

  /** `push` for the one report that there are thousands of a second of. */
  text(report: number, id: number, text: string): void {
    this.#pending.push(report, id, text);
    this.#schedule();
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

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }
}
