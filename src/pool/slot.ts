import type { CallEvents, Ended, PoolCall } from "../contract/call.ts";
import { type ErrorKind, type FailureDetail, GatewayError } from "../contract/errors.ts";
import { type Flat, ORDER, REPORT, REPORT_LENGTH } from "../contract/messages.ts";
import type { StartWorker, WorkerPort } from "./thread.ts";

let lastCallId = 0;

/** One place in the pool: a worker, and after it its replacement. */
export class Slot {
  readonly index: number;
  ready = false;
  lagMs = 0;
  lastPulseMs = 0;
  readonly #startWorker: StartWorker;
  readonly #onDeath: (slot: Slot, reason: string) => void;
  readonly #calls = new Map<number, SlotCall>();
  #port: WorkerPort | undefined;
  #startedMs = 0;
  #outbox: Flat = [];
  #flushing = false;
  #posted = 0;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(index: number, startWorker: StartWorker, onDeath: (slot: Slot, reason: string) => void) {
    this.index = index;
    this.#startWorker = startWorker;
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
    this.#port ??= this.#start();
    this.post([ORDER.configure, version, configuration]);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(): WorkerPort {
    this.#startedMs = performance.now();
    this.#posted = 0;
    this.#taken = 0;
    const port: WorkerPort = this.#startWorker({
      reports: (reports) => {
        if (this.#port === port) this.#take(reports);
      },
      died: (reason) => {
        if (this.#port === port) this.die(reason);
      },
    });
    return port;
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

  /** Posts an order in a message of its own, with a buffer that is the worker's from then on. */
  postAlone(order: Flat, body: ArrayBuffer): void {
    this.#flush();
    this.#posted += 1;
    this.#port?.post([...order, body] as unknown as Flat, [body]);
  }

  failAll(error: GatewayError): void {
    const calls = [...this.#calls.values()];
    for (const call of calls) {
      call.cancel();
      this.forget(call);
      call.events.fail(error, undefined);
    }
  }

  /** Ends the worker as a fault would; it gets no further calls meanwhile. */
  crash(): void {
    this.post([ORDER.crash, 0]);
    this.ready = false;
  }

  die(reason: string): void {
    this.terminate();
    this.#onDeath(this, reason);
  }

  terminate(): void {
    this.#port?.terminate();
    this.#port = undefined;
    this.ready = false;
    this.#outbox = [];
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#outbox.length === 0) return;
    const batch = this.#outbox;
    this.#outbox = [];
    this.#port?.post(batch);
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
    if (operation === REPORT.chunk) events.chunk(reports[at + 2] as string);
    else if (operation === REPORT.open) events.open(reports[at + 2] as string);
    else if (operation === REPORT.answer) events.answer(reports[at + 2] as string);
    else if (operation === REPORT.weighed)
      events.weighed(reports[at + 2] as string, reports[at + 3] === 1, reports[at + 4] as number, reports[at + 5] as number);
    else if (operation === REPORT.estimated) events.estimated(reports[at + 2] as number);
    else if (operation === REPORT.done) {
      this.forget(call);
      events.done(ended(reports, at + 2));
    } else if (operation === REPORT.fail) {
      this.forget(call);
      const detail = JSON.parse(reports[at + 3] as string) as FailureDetail;
      events.fail(new GatewayError(reports[at + 2] as ErrorKind, detail), ended(reports, at + 4));
    }
  }
}

function ended(reports: Flat, at: number): Ended {
  const [input, output, cacheRead, cacheWrite, firstByteMs, upstreamMs] = reports.slice(at, at + 6) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    usage: { input, output, cacheRead, cacheWrite },
    firstByteMs,
    upstreamMs,
    upstreamRequestId: reports[at + 6] as string,
    estimate: reports[at + 7] as number,
  };
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

  go(target: number, requestId: string, factor: number): void {
    this.#slot.post([ORDER.go, this.id, target, requestId, factor]);
  }

  credit(bytes: number): void {
    this.#slot.post([ORDER.credit, this.id, bytes]);
  }

  cancel(): void {
    this.#slot.post([ORDER.cancel, this.id]);
  }
}
