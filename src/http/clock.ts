/**
 * One clock for all connections. A connection only notes when something happened on it. The clock checks a part of all connections at each
 * tick, so that no request pays for a timer and no tick is long. A deadline is never early, and at most half a second late on an idle machine.
 */
import { clearInterval, setInterval } from "node:timers";
import { throwLater } from "../contract/fault.ts";

const TICK_MS = 100;
/** Every connection is checked once in this number of ticks. */
const PARTS = 4;
/** A tick later than this means that the process was held up; see `#turn`. */
const HELD_UP_MS = 500;

/** What the clock checks: a connection. */
export interface Timed {
  /** The part of the connections that this one belongs to. Only the clock sets it. */
  part: number;
  /** Checks whether a deadline of the connection has passed. */
  check(nowMs: number): void;
}

export class Clock {
  /** Milliseconds on a clock that never steps back, as of the last tick. Only differences mean anything. */
  nowMs: number = performance.now();
  /** The `date` header of answers with the end of its line, made once a second. */
  date = "";
  readonly #parts: Set<Timed>[] = Array.from({ length: PARTS }, () => new Set());
  #count = 0;
  #next = 0;
  #tick = 0;
  #second = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #excused = false;

  /** Number of connections that are checked. */
  get count(): number {
    return this.#count;
  }

  /** All connections that are checked. */
  *[Symbol.iterator](): Iterator<Timed> {
    for (const part of this.#parts) yield* part;
  }

  add(timed: Timed): void {
    if (this.#timer === undefined) this.#start();
    timed.part = this.#next;
    this.#next = (this.#next + 1) % PARTS;
    this.#parts[timed.part]?.add(timed);
    this.#count++;
  }

  remove(timed: Timed): void {
    if (this.#parts[timed.part]?.delete(timed)) this.#count--;
  }

  #start(): void {
    this.nowMs = performance.now();
    this.#dateIs(Date.now());
    this.#timer = setInterval(() => this.#turn(), TICK_MS);
    // Open sockets keep the process alive; a clock alone should not.
    this.#timer.unref();
  }

  #turn(): void {
    const beforeMs = this.nowMs;
    this.nowMs = performance.now();
    this.#dateIs(Date.now());
    if (this.#count === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    // After a long stop (a suspended machine, a debugger, a blocked loop) timers run before the sockets are read: what has arrived meanwhile
    // would look like silence. So the sockets get one turn first.
    if (this.nowMs - beforeMs > HELD_UP_MS && !this.#excused) {
      this.#excused = true;
      return;
    }
    this.#excused = false;
    this.#tick = (this.#tick + 1) % PARTS;
    for (const timed of this.#parts[this.#tick] ?? []) {
      try {
        timed.check(this.nowMs);
      } catch (thrown) {
        // A fault in one connection must not stop the check of the others.
        throwLater(thrown);
      }
    }
  }

  #dateIs(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    if (second === this.#second) return;
    this.#second = second;
    this.date = `date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
}
