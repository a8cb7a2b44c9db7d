import type { CallEvents, CallOrder, PoolCall, WeighOrder } from "../contract/call.ts";
import { type ErrorKind, GatewayError } from "../contract/errors.ts";
import { throwLater } from "../contract/fault.ts";
import { type Flat, LESSON_MS, type WorkerConfig } from "../contract/messages.ts";
import { orderCall, orderWeigh } from "../contract/orders.ts";
import { APART_BYTES, Checkers, checkersFor } from "./checkers.ts";
import { type PoolConfig, workerConfig } from "./configuration.ts";
import { startInline } from "./inline.ts";
import { Lessons } from "./lessons.ts";
import { Slot, type SlotEvents } from "./slot.ts";
import { type StartWorker, startThread } from "./thread.ts";

export interface PoolOptions {
  /** Worker threads; where it is 0, the thread of the pool does their work. */
  size: number;
  /** Starts a worker; default: a thread. */
  start?: StartWorker;
  /** A worker died: why, and how many calls it took along. */
  onDeath(worker: number, reason: string, calls: number): void;
  /** Something for the log that ended no worker. */
  onNotice(worker: number, text: string): void;
  /** For the log: what was learned from an upstream's refusal. */
  onLesson(worker: number, text: string): void;
}

/** A worker without a sign of life for this long gets no new calls until the next sign. It gives one twice a second. */
const STILL_MS = 2_000;
/** A worker without a sign of life for this long is stuck in a loop, and is replaced. */
const STUCK_MS = 5_000;
/** A body of 32 MiB may keep a thread that gives way to all others for seconds. */
const CHECKER_STUCK_MS = 30_000;
/** A worker that is not ready after this time never will be. It loads in a second, and waits for no other part. */
const READY_MS = 15_000;
/** While this thread is at most this late, it can tell a silent worker from reports that wait for this thread. */
const PUNCTUAL_MS = 250;
/** When this many workers have died within this time, new workers do not help. */
const FLAPPING_DEATHS = 3;
const FLAPPING_MS = 60_000;
/** How long a call waits where there is no worker: a worker that died is replaced in less. */
const PATIENCE_MS = 3_000;
/** A worker that dies younger than this is replaced only after a pause of this length: a fault at the start must not start workers without end. */
const YOUNG_MS = 1_000;

/** The only owner of threads: starts the workers, gives each call to the worker with the fewest calls, and replaces workers that die. */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  /** Slots for large bodies; they have threads as soon as they need them. */
  readonly #checkerSlots: Slot[];
  readonly #checkers: Checkers;
  /** True where the thread that listens does the work of workers too, and there are no worker threads. */
  readonly #isInline: boolean;
  /** What workers have learned from refusals: the others get it, and each new worker. */
  readonly #lessons = new Lessons();
  #configuration = "";
  #checkersConfiguration = "";
  #turn = 0;
  #closed = false;
  /** When workers died, by `performance.now()`; the last ones only. */
  readonly #deathsMs: number[] = [];
  /** Calls that wait for a worker. */
  readonly #waiting = new Set<(isThere: boolean) => void>();

  constructor(options: PoolOptions) {
    this.#options = options;
    const { size } = options;
    this.#isInline = size === 0;
    const start = options.start ?? startThread;
    const events: SlotEvents = {
      died: (slot, reason) => this.#replace(slot, reason),
      noticed: ({ index }, text) => options.onNotice(index, text),
      learned: (slot, target, taught, text) => this.#learned(slot, target, taught, text),
      came: () => this.#came(),
    };
    this.#slots = Array.from({ length: size || 1 }, (_, index) => new Slot(index, this.#isInline ? startInline : start, events));
    const behind = this.#slots.length;
    this.#checkerSlots = Array.from({ length: checkersFor(size) }, (_, index) => new Slot(behind + index, start, events));
    this.#checkers = new Checkers(this.#checkerSlots, {
      start: (slot) => void slot.configure(this.#checkersConfiguration),
      call: (order, events) => this.call(order, events),
    });
  }

  /** Slots that have a thread, or do their work in this one. */
  get #running(): Slot[] {
    return [...this.#slots, ...this.#checkerSlots.filter((slot) => slot.isRunning)];
  }

  /** Slots whose thread is not this one. */
  get #threads(): Slot[] {
    return this.#isInline ? this.#running.slice(this.#slots.length) : this.#running;
  }

  /** Starts the workers; resolves once all of them listen. Also the way to give them a new configuration. */
  async configure(config: PoolConfig): Promise<void> {
    const whole = workerConfig(config, this.#slots.length);
    this.#configuration = JSON.stringify(whole);
    this.#checkersConfiguration = JSON.stringify({ ...whole, givesWay: true } satisfies WorkerConfig);
    this.#lessons.keepOnly(new Set(config.targets.map(({ id }) => id)));
    await Promise.all(this.#running.map((slot) => this.#configure(slot)));
  }

  /** Gives a worker its configuration, and a new one what the others have learned. Resolves as `configure` of a slot. */
  #configure(slot: Slot): Promise<void> {
    const isNew = !slot.isRunning;
    const configured = slot.configure(this.#configurationOf(slot));
    // Workers that only check bodies ask no upstream.
    if (isNew && this.#slots.includes(slot)) this.#lessons.each((target, forMs, taught) => slot.teach(target, forMs, taught));
    return configured;
  }

  /** A worker has learned something: the others need no refusal for it. It is logged once. */
  #learned(from: Slot, target: number, taught: string, text: string): void {
    if (this.#lessons.keep(target, taught)) this.#options.onLesson(from.index, text);
    for (const slot of this.#slots) if (slot !== from) slot.teach(target, LESSON_MS, taught);
  }

  #configurationOf(slot: Slot): string {
    return this.#slots.includes(slot) ? this.#configuration : this.#checkersConfiguration;
  }

  /** Starts a call whose body has been checked; undefined where no worker is there to take it. */
  call(order: CallOrder, events: CallEvents): PoolCall | undefined {
    const slot = this.#leastLoaded();
    if (slot === undefined) return undefined;
    const call = slot.open(events);
    orderCall(slot.next(), call.id, order);
    return call;
  }

  /**
   * Starts a call whose body has to be checked first: it is too large to be parsed on the front, or might not fit its limit. The thread that checks it gets
   * a copy, so that the body is still here if the thread is lost. A small body's buffer is given away where this thread does the check. Undefined as for `call`.
   */
  weigh(order: WeighOrder, events: CallEvents): PoolCall | undefined {
    if (order.body.byteLength > APART_BYTES) return this.#checkers.weigh(order, events);
    const slot = this.#leastLoaded();
    if (slot === undefined) return undefined;
    const call = slot.open(events);
    const message: Flat = [];
    orderWeigh(message, call.id, order);
    slot.postAlone(message);
    return call;
  }

  /** Calls back once there is a worker that takes calls, at once where there is one; with false where no worker has come for a while. */
  whenThere(then: (isThere: boolean) => void): void {
    if (this.#leastLoaded() !== undefined) {
      then(true);
      return;
    }
    const end = (isThere: boolean): void => {
      clearTimeout(timer);
      this.#waiting.delete(end);
      try {
        then(isThere);
      } catch (thrown) {
        // The others that wait belong to other calls.
        throwLater(thrown);
      }
    };
    const timer = setTimeout(() => end(false), PATIENCE_MS);
    this.#waiting.add(end);
  }

  get healthy(): number {
    return this.#slots.reduce((count, slot) => count + (slot.isReady && !slot.isStill ? 1 : 0), 0);
  }

  /** Whether calls may come: there are workers, and they do not die one after the other. */
  isWell(nowMs: number = performance.now()): boolean {
    return this.healthy > 0 && this.#lastDeaths(nowMs) < FLAPPING_DEATHS;
  }

  /** How many of the workers run, as a text for operators. */
  state(nowMs: number = performance.now()): string {
    if (this.#isInline) return "none, by configuration";
    const still = this.#slots.filter(({ isStill }) => isStill).length;
    const deaths = this.#lastDeaths(nowMs);
    return [
      `${this.healthy} of ${this.#slots.length} running`,
      ...(still === 0 ? [] : [`${still} standing still`]),
      ...(deaths < FLAPPING_DEATHS ? [] : [`${deaths} died within a minute: the log says why`]),
    ].join(", ");
  }

  samples(): { worker: number; calls: number; queued: number; lagMs: number }[] {
    return this.#running.map((slot) => ({ worker: slot.index, calls: slot.calls, queued: slot.queued, lagMs: slot.lagMs }));
  }

  /** Fails every open call, and those that wait for a worker. */
  failAll(kind: ErrorKind, message: string): void {
    for (const end of [...this.#waiting]) end(false);
    const error = new GatewayError(kind, { message });
    this.#checkers.failAll(error);
    for (const slot of this.#running) slot.failAll(error);
  }

  /** Ends one worker abruptly, as a crash would, or makes it hang; returns its index, or undefined where no worker is alive. */
  drill(how: "crash" | "stall"): number | undefined {
    // A drill would end the process.
    if (this.#isInline) return undefined;
    const slot = this.#slots.reduce<Slot | undefined>(
      (busiest, slot) => (slot.isReady && slot.calls >= (busiest?.calls ?? 0) ? slot : busiest),
      undefined,
    );
    slot?.drill(how);
    return slot?.index;
  }

  /**
   * Replaces workers that have stopped answering, or never began. To be called several times a second.
   * @param lagMs - How late this thread is: reports that wait for this thread would look like silence.
   */
  checkPulses(nowMs: number, lagMs: number): void {
    const threads = this.#threads;
    if (lagMs > PUNCTUAL_MS) {
      // After a long stop of all of the process, their next signs of life may come a little later than this thread's next look.
      if (lagMs > STILL_MS) for (const slot of threads) slot.lastPulseMs = nowMs;
      return;
    }
    for (const slot of threads) {
      const silentMs = nowMs - slot.lastPulseMs;
      slot.isStill = slot.isReady && silentMs > STILL_MS;
      const mostMs = this.#checkerSlots.includes(slot) ? CHECKER_STUCK_MS : STUCK_MS;
      if (slot.isReady && silentMs > mostMs) slot.die(`no sign of life for ${mostMs / 1000} s`);
      else if (slot.isStarting && nowMs - slot.startedMs > READY_MS) slot.die(`not ready after ${READY_MS / 1000} s`);
    }
  }

  close(): void {
    this.#closed = true;
    for (const slot of this.#running) slot.terminate();
  }

  /** How many workers have died within the last minute. */
  #lastDeaths(nowMs: number): number {
    return this.#deathsMs.filter((diedMs) => nowMs - diedMs < FLAPPING_MS).length;
  }

  /** A worker takes calls (again). */
  #came(): void {
    for (const end of [...this.#waiting]) end(true);
  }

  #leastLoaded(): Slot | undefined {
    const slots = this.#slots;
    let best: Slot | undefined;
    // Begins one further each time, so that equals take turns.
    this.#turn = (this.#turn + 1) % slots.length;
    for (let offset = 0; offset < slots.length; offset++) {
      const slot = slots[(this.#turn + offset) % slots.length];
      if (slot?.isReady && !slot.isStill && (best === undefined || slot.calls < best.calls)) best = slot;
    }
    return best;
  }

  #replace(slot: Slot, reason: string): void {
    if (this.#closed) return;
    const lost = slot.calls;
    this.#deathsMs.push(performance.now());
    if (this.#deathsMs.length > FLAPPING_DEATHS * this.#slots.length) this.#deathsMs.shift();
    this.#options.onDeath(slot.index, reason, lost);
    slot.loseAll(new GatewayError("worker_lost", { message: "The worker that held this call was lost. Please try again.", log: reason }));
    const restart = () => {
      if (!this.#closed && !slot.isRunning) void this.#configure(slot);
    };
    if (slot.ageMs < YOUNG_MS) setTimeout(restart, YOUNG_MS);
    else restart();
  }
}
