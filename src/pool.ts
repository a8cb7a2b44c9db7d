import type { CallEvents, CallOrder, Ended, PoolCall } from "./contract/call.ts";
import type { Config, Timeouts, Upstream } from "./contract/config.ts";
import type { DialectName } from "./contract/dialect.ts";
import { type ErrorKind, type FailureDetail, GatewayError } from "./contract/errors.ts";
import { type Flat, ORDER, REPORT, REPORT_LENGTH, type WorkerConfig } from "./contract/messages.ts";

export interface PoolOptions {
  size: number;
  /** A worker died: why, and how many calls it took along. */
  onDeath(worker: number, reason: string, calls: number): void;
}

/** A worker that has not shown a sign of life for so long is stuck in a loop and is replaced. */
const STUCK_MS = 20_000;
/** A worker that dies younger than this is replaced after a pause of as long, so that a fault at start-up does not spin. */
const YOUNG_MS = 1_000;

const NEVER_STARTED: Ended = { usage: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, firstByteMs: 0, upstreamMs: 0, upstreamRequestId: "" };

/** The only owner of threads: starts the workers, gives each call to the one with the fewest, replaces those that die. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #slots: Slot[];
  #configuration = "";
  #version = 0;
  #turn = 0;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#slots = Array.from({ length: options.size }, (_, index) => new Slot(index, (slot, reason) => this.#replace(slot, reason)));
  }

  /** Starts the workers; resolves once all of them listen. Also the way to give them a new configuration. */
  async configure(config: Config, targets: readonly { id: number; upstream: Upstream; model: string; timeouts: Timeouts }[]): Promise<void> {
    const upstreams = [...new Set(targets.map((target) => target.upstream))];
    const indices = new Map(upstreams.map((upstream, index) => [upstream, index]));
    const workerConfig: WorkerConfig = {
      proxy: config.proxy,
      upstreams,
      targets: targets.map(({ id, upstream, model, timeouts }) => ({ id, upstream: indices.get(upstream) ?? 0, model, timeouts })),
    };
    this.#configuration = JSON.stringify(workerConfig);
    this.#version += 1;
    await Promise.all(this.#slots.map((slot) => slot.configure(this.#version, this.#configuration)));
  }

  /** Starts a call whose body the front has checked. */
  call(order: CallOrder, events: CallEvents): PoolCall {
    const slot = this.#leastLoaded();
    if (slot === undefined) return refused(events);
    const { dialect, target, stream, model, hints, requestId, body } = order;
    const call = slot.open(events);
    slot.post([ORDER.call, call.id, dialect, target, stream ? 1 : 0, model, hints, requestId, body]);
    return call;
  }

  /** Lets a worker check a body first: one that is too large to be parsed on the front. The buffer is transferred. */
  weigh(dialect: DialectName, hints: string, body: ArrayBuffer, events: CallEvents): PoolCall {
    const slot = this.#leastLoaded();
    if (slot === undefined) return refused(events);
    const call = slot.open(events);
    slot.postAlone([ORDER.weigh, call.id, dialect, hints], body);
    return call;
  }

  get healthy(): number {
    return this.#slots.reduce((count, slot) => count + (slot.ready ? 1 : 0), 0);
  }

  get size(): number {
    return this.#slots.length;
  }

  samples(): { worker: number; calls: number; queued: number; lagMs: number }[] {
    return this.#slots.map((slot) => ({ worker: slot.index, calls: slot.calls, queued: slot.queued, lagMs: slot.lagMs }));
  }

  /** Fails every open call. */
  failAll(kind: ErrorKind, message: string): void {
    for (const slot of this.#slots) slot.failAll(new GatewayError(kind, { message }));
  }

  /** Ends one worker abruptly, as a crash would; returns its index, or undefined where none is alive. */
  crashOne(): number | undefined {
    const slot = this.#slots.reduce<Slot | undefined>((busiest, slot) => (slot.ready && slot.calls >= (busiest?.calls ?? 0) ? slot : busiest), undefined);
    slot?.post([ORDER.crash, 0]);
    return slot?.index;
  }

  /** Replaces workers that have stopped answering. To be called now and then. */
  checkPulses(nowMs: number): void {
    for (const slot of this.#slots) if (slot.ready && nowMs - slot.lastPulseMs > STUCK_MS) slot.die(`no sign of life for ${STUCK_MS / 1000} s`);
  }

  close(): void {
    this.#closed = true;
    for (const slot of this.#slots) slot.terminate();
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
  queueMicrotask(() => events.fail(new GatewayError("worker_lost", { message: "No worker is available at this moment. Please try again." }), NEVER_STARTED));
  return { go: () => {}, credit: () => {}, cancel: () => {} };
}

let lastCallId = 0;

/** One place in the pool: a worker, and after it its replacement. */
class Slot {
  readonly index: number;
  ready = false;
  lagMs = 0;
  lastPulseMs = 0;
  readonly #onDeath: (slot: Slot, reason: string) => void;
  readonly #calls = new Map<number, SlotCall>();
  #worker: Worker | undefined;
  #startedMs = 0;
  #outbox: Flat = [];
  #flushing = false;
  #posted = 0;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(index: number, onDeath: (slot: Slot, reason: string) => void) {
    this.index = index;
    this.#onDeath = onDeath;
  }

  get calls(): number {
    return this.#calls.size;
  }

  get queued(): number {
    return Math.max(0, this.#posted - this.#taken);
  }

  get ageMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Gives the worker its configuration; starts one first where there is none. Resolves when this worker, or the one after it, has taken it. */
  configure(version: number, configuration: string): Promise<void> {
    this.#worker ??= this.#start();
    this.post([ORDER.configure, version, configuration]);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(): Worker {
    const worker = new Worker(new URL("../workers/worker.ts", import.meta.url).href, { type: "module" });
    this.#startedMs = performance.now();
    this.#posted = 0;
    this.#taken = 0;
    worker.onmessage = (event: MessageEvent<Flat>) => {
      if (this.#worker === worker) this.#take(event.data);
    };
    worker.onerror = (event: ErrorEvent) => {
      // Deno ends the whole process for a worker's uncaught error unless this is said.
      event.preventDefault?.();
      if (this.#worker === worker) this.die(event.message || "uncaught error");
    };
    // Bun alone tells that a thread has ended without an error.
    worker.addEventListener("close", () => {
      if (this.#worker === worker) this.die("the thread ended");
    });
    return worker;
  }

  open(events: CallEvents): SlotCall {
    lastCallId += 1;
    const call = new SlotCall(lastCallId, this, events);
    this.#calls.set(call.id, call);
    return call;
  }

  forget(call: SlotCall): void {
    this.#calls.delete(call.id);
  }

  /** Adds an order to the message that leaves at the end of this turn. */
  post(order: Flat): void {
    for (const field of order) this.#outbox.push(field);
    this.#posted += 1;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Posts an order in a message of its own, with a buffer that changes hands. */
  postAlone(order: Flat, body: ArrayBuffer): void {
    this.#flush();
    this.#posted += 1;
    this.#worker?.postMessage([...order, body], [body]);
  }

  failAll(error: GatewayError): void {
    const calls = [...this.#calls.values()];
    for (const call of calls) {
      call.cancel();
      call.events.fail(error, NEVER_STARTED);
    }
  }

  die(reason: string): void {
    this.terminate();
    this.#onDeath(this, reason);
  }

  terminate(): void {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.ready = false;
    this.#outbox = [];
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#outbox.length === 0) return;
    const batch = this.#outbox;
    this.#outbox = [];
    this.#worker?.postMessage(batch);
  }

  #take(reports: Flat): void {
    let at = 0;
    while (at < reports.length) {
      const operation = reports[at] as number;
      if (operation === REPORT.ready) {
        this.ready = true;
        this.lastPulseMs = performance.now();
        for (const resolve of this.#waiting.splice(0)) resolve();
      } else if (operation === REPORT.pulse) {
        this.lagMs = reports[at + 2] as number;
        this.#taken = reports[at + 3] as number;
        this.lastPulseMs = performance.now();
      } else {
        const call = this.#calls.get(reports[at + 1] as number);
        // A call that was cancelled meanwhile has no ears any more.
        if (call !== undefined) this.#tell(call, operation, reports, at);
      }
      at += REPORT_LENGTH[operation] ?? reports.length;
    }
  }

  #tell(call: SlotCall, operation: number, reports: Flat, at: number): void {
    const { events } = call;
    switch (operation) {
      case REPORT.chunk:
        return events.chunk(reports[at + 2] as string);
      case REPORT.open:
        return events.open(reports[at + 2] as string);
      case REPORT.answer:
        return events.answer(reports[at + 2] as string);
      case REPORT.done:
        this.forget(call);
        return events.done(ended(reports, at + 2));
      case REPORT.fail: {
        this.forget(call);
        const detail = JSON.parse(reports[at + 3] as string) as FailureDetail;
        return events.fail(new GatewayError(reports[at + 2] as ErrorKind, detail), ended(reports, at + 4));
      }
      case REPORT.weighed:
        return events.weighed(reports[at + 2] as string, reports[at + 3] === 1, reports[at + 4] as number);
    }
  }
}

function ended(reports: Flat, at: number): Ended {
  const [input, output, cacheRead, cacheWrite, firstByteMs, upstreamMs] = reports.slice(at, at + 6) as [number, number, number, number, number, number];
  return { usage: { input, output, cacheRead, cacheWrite }, firstByteMs, upstreamMs, upstreamRequestId: reports[at + 6] as string };
}

class SlotCall implements PoolCall {
  readonly id: number;
  readonly events: CallEvents;
  readonly #slot: Slot;

  constructor(id: number, slot: Slot, events: CallEvents) {
    this.id = id;
    this.#slot = slot;
    this.events = events;
  }

  go(target: number, requestId: string): void {
    this.#slot.post([ORDER.go, this.id, target, requestId]);
  }

  credit(bytes: number): void {
    this.#slot.post([ORDER.credit, this.id, bytes]);
  }

  cancel(): void {
    this.#slot.forget(this);
    this.#slot.post([ORDER.cancel, this.id]);
  }
}
