/**
 * One clock for all connections. A connection notes when something happened on it and nothing else: it is looked at now and then, a part of all connections at each
 * tick, so that no request pays for a timer and no tick is long. A deadline is never early, and at most half a second late on an idle machine.
 */
import { clearInterval, setInterval } from "node:timers";
import { throwLater } from "../contract/fault.ts";

const TICK_MS = 100;
/** Every connection is looked at once in so many ticks. */
const PARTS = 4;
/** A tick later than this means that the process was held up; see `#turn`. */
const HELD_UP_MS = 500;

/** What is looked at. */
export interface Timed {
  /** In which part it is; the clock's own. */
  part: number;
  /** Looks whether it is late. */
  check(nowMs: number): void;
}

export class Clock {
  /** Milliseconds on a clock that never steps back, as of the last tick. Only differences mean anything. */
  nowMs: number = performance.now();
  /** The header of answers, with its line's end: made once a second. */
  date = "";
  readonly #parts: Set<Timed>[] = Array.from({ length: PARTS }, () => new Set());
  #count = 0;
  #next = 0;
  #tick = 0;
  #second = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #excused = false;

  /** How many are looked at. */
  get count(): number {
    return this.#count;
  }

  /** All of them. */
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
        // The other connections are other people's.
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
