/**
 * One deadline for many calls: all wait equally long, so they end in the order they began and one timer serves them all (a timer per call costs
 * more than the rest of the bookkeeping).
 */

interface Waiting {
  readonly atMs: number;
  done: boolean;
  readonly miss: () => void;
}

export class Deadline {
  readonly #ms: number;
  #waiting: Waiting[] = [];
  #first = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number) {
    this.#ms = ms;
  }

  /**
   * The result of `work`, or a rejection by `missed()` once the deadline has passed.
   * @param late given the outcome of work that was successful after all, but too late
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
      // Timers run before sockets are read: after a pause of our own (a collection, a large body) an answer may be waiting unread, and is not late.
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
