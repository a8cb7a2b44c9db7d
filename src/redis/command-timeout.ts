/**
 * One time-out for many commands. All wait equally long, so their times are over in the order in which they began, and one timer is enough for all. A timer for
 * each command would cost more than all other bookkeeping of a reservation.
 */
interface Waiting {
  readonly atMs: number;
  done: boolean;
  readonly miss: () => void;
}

export class CommandTimeout {
  readonly #ms: number;
  #waiting: Waiting[] = [];
  #first = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * The result of `work`; rejects with `missed()` when the time is over.
   * @param late - Called with the result of work that succeeded after that time.
   */
  run<T>(work: Promise<T>, missed: () => Error, late?: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { atMs: performance.now() + this.#ms, done: false, miss: () => reject(missed()) };
      this.#waiting.push(waiting);
      if (this.#timer === undefined) this.#arm(this.#ms);
      work.then(
        (value) => {
          if (waiting.done) {
            late?.(value);
            return;
          }
          waiting.done = true;
          resolve(value);
        },
        (error: unknown) => {
          waiting.done = true;
          reject(error);
        },
      );
    });
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      // Timers run before sockets are read. After a pause of this thread (a collection, a large body) an answer may be there, but unread: it is not late.
      setImmediate(() => this.#end());
    }, ms);
  }

  #end(): void {
    const nowMs = performance.now();
    this.#timer = undefined;
    for (;;) {
      const waiting = this.#waiting[this.#first];
      if (waiting === undefined) {
        this.#waiting = [];
        this.#first = 0;
        return;
      }
      if (!waiting.done && waiting.atMs > nowMs) {
        this.#arm(Math.max(1, waiting.atMs - nowMs));
        break;
      }
      this.#first++;
      if (!waiting.done) {
        waiting.done = true;
        waiting.miss();
      }
    }
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}
