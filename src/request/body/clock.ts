import { throwLater } from "../../contract/fault.ts";

/** A whole body may take this many times the time for which the connection may be silent: a client that sends one byte now and then does not stay for hours. */
const WHOLE = 10;

/** A call whose body is on its way. */
export interface Sender {
  /** Called once, when the body has taken too long. */
  late(): void;
}

/** One clock for all bodies that are on their way: a timer for each body would cost more than most bodies take to arrive. */
export class BodyClock {
  readonly #wholeMs: number;
  /** The time by `performance.now()` at which each call's body is late, in the order in which the bodies began. */
  readonly #due = new Map<Sender, number>();

  constructor(silenceMs: number) {
    this.#wholeMs = silenceMs * WHOLE;
  }

  begin(sender: Sender, nowMs: number): void {
    this.#due.set(sender, nowMs + this.#wholeMs);
  }

  end(sender: Sender): void {
    this.#due.delete(sender);
  }

  /** Called four times a second. */
  check(nowMs: number): void {
    for (const [sender, dueMs] of this.#due) {
      if (dueMs > nowMs) return;
      this.#due.delete(sender);
      try {
        sender.late();
      } catch (thrown) {
        // The other bodies belong to other calls, which must still be checked.
        throwLater(thrown);
      }
    }
  }
}
