import type { Flat } from "../src/contract/messages.ts";

/**
 * What the worker has to say to the front: one post for all calls that had something to say in this turn of the event loop.
 * A microtask ends the turn: with a few hundred paced streams it costs less than `setImmediate`, which wakes the loop once more.
 */
export class Outbox {
  readonly #post: (message: Flat) => void;
  #pending: Flat = [];
  #scheduled = false;
  readonly #flush = (): void => {
    this.#scheduled = false;
    const message = this.#pending;
    this.#pending = [];
    this.#post(message);
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

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  }
}
