/**
 * Deadlines for many calls on one timer. Time is coarse on purpose: a call that gets a chunk stores `nowMs` and nothing else, and its deadline is
 * looked at only when it falls due, where `due` says how much longer to wait (a hashed timing wheel with lazily renewed entries).
 *
 * A deadline is never early and at most three ticks late (75 ms by default) on an idle machine.
 */
import { clearInterval, setInterval } from "node:timers";
import { Crowd } from "../../src/contract/crowd.ts";
import { throwLater } from "../../src/contract/fault.ts";

/** Slots of one revolution; a deadline further away is passed over once per revolution (12.8 s at 25 ms). A power of two. */
const SLOTS = 512;

/** The timer stops when nothing was scheduled for this long. Without the wait, it would start and stop with every call of a single caller. */
const LINGER_MS = 1000;

/** A tick later than this means that the process was held up; see `#tick`. */
const HELD_UP_MS = 500;

/** Called when a deadline falls due: returns the milliseconds until it should be called again, or 0 when the deadline is over. */
type Due = () => number;

/** A scheduled deadline. */
export interface Ticket {
  /** Takes the deadline off the wheel; harmless when it is off already. */
  cancel(): void;
}

/** A member of one slot's ring; the slot itself is a member too, so that no end needs a special case. */
class Entry implements Ticket {
  previous: Entry = this;
  next: Entry = this;
  dueTick = 0;
  readonly due: Due | undefined;
  readonly #wheel: Wheel | undefined;

  constructor(wheel: Wheel | undefined, due: Due | undefined) {
    this.#wheel = wheel;
    this.due = due;
  }

  get linked(): boolean {
    return this.next !== this;
  }

  cancel(): void {
    if (!this.linked) return;
    this.unlink();
    this.#wheel?.dropped();
  }

  unlink(): void {
    this.previous.next = this.next;
    this.next.previous = this.previous;
    this.previous = this;
    this.next = this;
  }

  insertBefore(other: Entry): void {
    this.previous = other.previous;
    this.next = other;
    other.previous.next = this;
    other.previous = this;
  }
}

export class Wheel {
  /** Milliseconds on a clock that never steps back, as of the last tick. Only differences mean anything. */
  nowMs: number = performance.now();

  readonly #tickMs: number;
  readonly #slots: Entry[] = Array.from({ length: SLOTS }, () => new Entry(undefined, undefined));
  /** Entries on the wheel. */
  #count = 0;
  /** The next tick to be worked off, in ticks of the clock. */
  #tick: number;
  #timer: ReturnType<typeof setInterval> | undefined;
  #idleSinceMs = 0;
  #excused = false;
  /** Every open call has a deadline. */
  readonly #crowd = new Crowd();

  constructor(tickMs = 25) {
    this.#tickMs = tickMs;
    this.#tick = Math.floor(this.nowMs / tickMs);
  }

  /** True while the timer runs: there are deadlines, or there were some a second ago. */
  get running(): boolean {
    return this.#timer !== undefined;
  }

  /** Milliseconds that have surely passed since `markMs`, an earlier `nowMs`: the mark may have been up to a tick old when it was taken. */
  sinceMs(markMs: number): number {
    return this.nowMs - markMs - this.#tickMs;
  }

  /** Calls `due` after `delayMs`, and again after as many milliseconds as it returns. */
  schedule(delayMs: number, due: Due): Ticket {
    this.#start();
    const entry = new Entry(this, due);
    this.#count++;
    this.#insert(entry, delayMs);
    return entry;
  }

  /** Used by the wheel's own entries. */
  dropped(): void {
    this.#count--;
  }

  #start(): void {
    if (this.#timer !== undefined) return;
    this.nowMs = performance.now();
    this.#tick = Math.floor(this.nowMs / this.#tickMs);
    this.#idleSinceMs = this.nowMs;
    this.#timer = setInterval(() => this.#turn(), this.#tickMs);
    // Open sockets keep the process alive; a clock alone should not.
    this.#timer.unref();
  }

  #insert(entry: Entry, delayMs: number): void {
    // `nowMs` may lag a tick behind the true time, so one tick more: late is harmless, early is a false alarm.
    const ticks = Math.max(1, Math.ceil(delayMs / this.#tickMs)) + 1;
    entry.dueTick = Math.floor(this.nowMs / this.#tickMs) + ticks;
    const slot = this.#slots[entry.dueTick & (SLOTS - 1)];
    if (slot !== undefined) entry.insertBefore(slot);
  }

  #turn(): void {
    const beforeMs = this.nowMs;
    this.nowMs = performance.now();
    if (this.#count > 0) this.#idleSinceMs = this.nowMs;
    else if (this.nowMs - this.#idleSinceMs > LINGER_MS) {
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
    const last = Math.floor(this.nowMs / this.#tickMs);
    // More than a revolution behind: once round sees every slot.
    this.#tick = Math.max(this.#tick, last - SLOTS + 1);
    for (; this.#tick <= last; this.#tick++) this.#workOff(this.#tick & (SLOTS - 1), last);
    this.#crowd.look(this.#count);
  }

  /** A callback may cancel or schedule anything, in this slot too, so the ring is taken apart first: what is due moves to a separate list. */
  #workOff(index: number, last: number): void {
    const slot = this.#slots[index];
    if (slot === undefined || !slot.linked) return;
    const due = new Entry(undefined, undefined);
    for (let entry = slot.next; entry !== slot; ) {
      const next = entry.next;
      if (entry.dueTick <= last) {
        entry.unlink();
        entry.insertBefore(due);
      }
      entry = next;
    }
    while (due.linked) {
      const entry = due.next;
      entry.unlink();
      let moreMs = 0;
      try {
        moreMs = entry.due?.() ?? 0;
      } catch (thrown) {
        // The other deadlines of this turn are those of other calls.
        throwLater(thrown);
      }
      if (moreMs > 0) this.#insert(entry, moreMs);
      else this.#count--;
    }
  }
}
