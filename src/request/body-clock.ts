import { throwLater } from "../contract/fault.ts";

/** A whole body may take this many times as long as the connection may be silent: a client that sends little by little does not hold it for hours. */
const WHOLE = 10;

/** A call whose body is on its way. */
export interface Sender {
  /** Called once, when the body has taken too long. */
  late(): void;
}

/** One clock for all bodies that are on their way, since a timer for each would cost more than most bodies take to come. */
export class BodyClock {
  readonly #wholeMs: number;
  /** Calls in the order in which their bodies began, with the `performance.now()` at which each is late. */
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

  /** Called now and then. */
  check(nowMs: number): void {
    for (const [sender, dueMs] of this.#due) {
      if (dueMs > nowMs) return;
      this.#due.delete(sender);
      try {
        sender.late();
      } catch (thrown) {
        // The other bodies are those of other calls.
        throwLater(thrown);
      }
    }
  }
}
