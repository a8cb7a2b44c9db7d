import type { CallEvents, CallOrder, PoolCall } from "../contract/call.ts";
import type { ProxySettings, Timeouts, Upstream } from "../contract/config.ts";
import type { CallOperation, DialectName } from "../contract/dialect.ts";
import { type ErrorKind, GatewayError } from "../contract/errors.ts";
import { ORDER, type Weighing, type WorkerConfig } from "../contract/messages.ts";
import { startInline } from "./inline.ts";
import { Slot, type SlotEvents } from "./slot.ts";
import { type StartWorker, startThread } from "./thread.ts";

export interface PoolOptions {
  /** Worker threads; where it is 0, the thread of the pool does their work. */
  size: number;
  /** Threads where it is not said. */
  start?: StartWorker;
  /** A worker died: why, and how many calls it took along. */
  onDeath(worker: number, reason: string, calls: number): void;
  /** Something for the log that ended no worker. */
  onNotice(worker: number, text: string): void;
}

/** What the workers have to know of the configuration. */
export interface PoolConfig {
  proxy: ProxySettings | undefined;
  /** Bytes of unfinished answers that all workers may keep together, as far as each keeps room for the largest there is. */
  heldBytes?: number;
  weighing: Weighing[];
  targets: readonly { id: number; upstream: Upstream; model: string; countModel: string | undefined; timeouts: Timeouts }[];
}

/** So much a worker may always keep of unfinished answers: one of the largest fits beside some others (64 MiB, and a third is always left free). */
const LEAST_HELD_BYTES = 96 * 1024 * 1024;
/** A worker that has not shown a sign of life for so long is stuck in a loop and is replaced. */
const STUCK_MS = 20_000;
/** A worker that has not said for so long that it is ready never will. It loads in a second, and waits for nobody. */
const READY_MS = 30_000;
/** A worker that dies younger than this is replaced after a pause of as long, so that a fault at start-up does not spin. */
const YOUNG_MS = 1_000;

/**
 * Bodies above this go to threads of their own. A parser cannot be stopped in the middle, and one that reads 32 MiB, or walks them, keeps its thread
 * for up to half a second: no other call is to share it.
 */
const LARGE_BYTES = 1024 * 1024;
/** One such thread for so many workers; each is started when it is first needed. */
const WORKERS_FOR_EACH = 4;

/** The only owner of threads: starts the workers, gives each call to the one with the fewest, replaces those that die. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  /** For large bodies. */
  readonly #largeSlots: Slot[];
  /** The thread that listens does the work of workers too, of which there are none. */
  readonly #isInline: boolean;
  #configuration = "";
  #version = 0;
  #turn = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    const { size } = options;
    this.#isInline = size === 0;
    const start = this.#isInline ? startInline : (options.start ?? startThread);
    const events: SlotEvents = {
      died: (slot, reason) => this.#replace(slot, reason),
      noticed: ({ index }, text) => options.onNotice(index, text),
    };
    this.#slots = Array.from({ length: size || 1 }, (_, index) => new Slot(index, start, events));
    this.#largeSlots = Array.from({ length: Math.ceil(size / WORKERS_FOR_EACH) }, (_, index) => new Slot(size + index, start, events));
  }

  /** Those that have a thread. */
  get #running(): Slot[] {
    return [...this.#slots, ...this.#largeSlots.filter((slot) => slot.isRunning)];
  }

  /** Starts the workers; resolves once all of them listen. Also the way to give them a new configuration. */
  async configure({ proxy, heldBytes = 0, weighing, targets }: PoolConfig): Promise<void> {
    const upstreams = [...new Set(targets.map((target) => target.upstream))];
    const indices = new Map(upstreams.map((upstream, index) => [upstream, index]));
    const workerConfig: WorkerConfig = {
      proxy,
      heldBytes: Math.max(LEAST_HELD_BYTES, heldBytes / this.#slots.length),
      upstreams,
      weighing,
      targets: targets.map(({ id, upstream, model, countModel, timeouts }) => ({
        id,
        upstream: indices.get(upstream) ?? 0,
        model,
        countModel,
        timeouts,
      })),
    };
    this.#configuration = JSON.stringify(workerConfig);
    this.#version += 1;
    const large = this.#largeSlots.filter((slot) => slot.isRunning);
    await Promise.all([...this.#slots, ...large].map((slot) => slot.configure(this.#version, this.#configuration)));
  }

  /** Starts a call whose body the front has checked. */
  call(order: CallOrder, events: CallEvents): PoolCall {
    const slot = this.#leastLoaded();
    if (slot === undefined) return refused(events);
    const { dialect, operation, target, isLast, stream, model, hints, requestId, guess, factor, body } = order;
    const call = slot.open(events);
    slot.post([
      ORDER.call,
      call.id,
      dialect,
      operation,
      target,
      isLast ? 1 : 0,
      stream ? 1 : 0,
      model,
      hints,
      requestId,
      guess,
      factor,
      body,
    ]);
    return call;
  }

  /** Lets a worker check a body first: one that is too large to be parsed on the front. The buffer is the worker's from then on. */
  weigh(dialect: DialectName, operation: CallOperation, hints: string, body: ArrayBuffer, events: CallEvents): PoolCall {
    const slot = body.byteLength > LARGE_BYTES && !this.#isInline ? this.#forLarge() : this.#leastLoaded();
    if (slot === undefined) return refused(events);
    const call = slot.open(events);
    slot.postAlone([ORDER.weigh, call.id, dialect, operation, hints], body);
    return call;
  }

  get healthy(): number {
    return this.#slots.reduce((count, slot) => count + (slot.ready ? 1 : 0), 0);
  }

  /** For people: how many of the workers run. */
  get state(): string {
    return this.#isInline ? "none, by configuration" : `${this.healthy} of ${this.#slots.length} running`;
  }

  samples(): { worker: number; calls: number; queued: number; lagMs: number }[] {
    return this.#running.map((slot) => ({ worker: slot.index, calls: slot.calls, queued: slot.queued, lagMs: slot.lagMs }));
  }

  /** Fails every open call. */
  failAll(kind: ErrorKind, message: string): void {
    for (const slot of this.#running) slot.failAll(new GatewayError(kind, { message }));
  }

  /** Ends one worker abruptly, as a crash would; returns its index, or undefined where none is alive. */
  crashOne(): number | undefined {
    // It would be the end of the process.
    if (this.#isInline) return undefined;
    const slot = this.#slots.reduce<Slot | undefined>(
      (busiest, slot) => (slot.ready && slot.calls >= (busiest?.calls ?? 0) ? slot : busiest),
      undefined,
    );
    slot?.crash();
    return slot?.index;
  }

  /** Replaces workers that have stopped answering, or never began. To be called now and then. */
  checkPulses(nowMs: number): void {
    if (this.#isInline) return;
    for (const slot of this.#running) {
      if (slot.ready && nowMs - slot.lastPulseMs > STUCK_MS) slot.die(`no sign of life for ${STUCK_MS / 1000} s`);
      else if (slot.isStarting && nowMs - slot.startedMs > READY_MS) slot.die(`not ready after ${READY_MS / 1000} s`);
    }
  }

  close(): void {
    this.#closed = true;
    for (const slot of this.#running) slot.terminate();
  }

  #leastLoaded(): Slot | undefined {
    const slots = this.#slots;
    let best: Slot | undefined;
    // Begins one further each time, so that equals take turns.
    this.#turn = (this.#turn + 1) % slots.length;
    for (let offset = 0; offset < slots.length; offset++) {
      const slot = slots[(this.#turn + offset) % slots.length];
      if (slot?.ready && (best === undefined || slot.calls < best.calls)) best = slot;
    }
    return best;
  }

  /** One that is idle, else one more, else the one with the fewest calls. Orders wait in it while its thread starts. */
  #forLarge(): Slot | undefined {
    let best: Slot | undefined;
    for (const slot of this.#largeSlots) {
      if (!slot.isRunning) {
        if (best !== undefined && best.calls === 0) break;
        void slot.configure(this.#version, this.#configuration);
        return slot;
      }
      if (best === undefined || slot.calls < best.calls) best = slot;
    }
    return best;
  }

  #replace(slot: Slot, reason: string): void {
    if (this.#closed) return;
    const lost = slot.calls;
    slot.failAll(new GatewayError("worker_lost", { message: "The worker that held this call was lost. Please try again.", log: reason }));
    this.#options.onDeath(slot.index, reason, lost);
    const restart = () => {
      if (!this.#closed) void slot.configure(this.#version, this.#configuration);
    };
    if (slot.ageMs < YOUNG_MS) setTimeout(restart, YOUNG_MS);
    else restart();
  }
}

function refused(events: CallEvents): PoolCall {
  queueMicrotask(() =>
    events.fail(new GatewayError("worker_lost", { message: "No worker is available at this moment. Please try again." }), undefined),
  );
  return { go: () => {}, credit: () => {}, cancel: () => {} };
}
