import type { CallEvents, Ended, PoolCall } from "../contract/call.ts";
import type { Envelope } from "../contract/dialect.ts";
import { asGatewayError, type ErrorKind, type FailureDetail, GatewayError } from "../contract/errors.ts";
import { type Flat, ORDER, REPORT, REPORT_LENGTH } from "../contract/messages.ts";
import type { StartWorker, WorkerPort } from "./thread.ts";

let lastCallId = 0;

/** What becomes of a slot's worker. */
export interface SlotEvents {
  died(slot: Slot, reason: string): void;
  /** Something for the log that ended no worker. */
  noticed(slot: Slot, text: string): void;
  /** It takes calls (again). */
  came(): void;
  /** What an upstream has taught by a refusal, for the log. */
  learned(slot: Slot, text: string): void;
}

/** One place in the pool: a worker, and after it its replacement. */
export class Slot {
  readonly index: number;
  ready = false;
  /** It is there, but shows no sign of life: it gets no new calls. */
  isStill = false;
  lagMs = 0;
  lastPulseMs = 0;
  startedMs = 0;
  readonly #startWorker: StartWorker;
  readonly #events: SlotEvents;
  readonly #calls = new Map<number, SlotCall>();
  #port: WorkerPort | undefined;
  #hasBegun = false;
  #outbox: Flat = [];
  #flushing = false;
  #posted = 0;
  #taken = 0;
  #waiting: (() => void)[] = [];

  constructor(index: number, startWorker: StartWorker, events: SlotEvents) {
    this.index = index;
    this.#startWorker = startWorker;
    this.#events = events;
  }

  get calls(): number {
    return this.#calls.size;
  }

  get queued(): number {
    return Math.max(0, this.#posted - this.#taken);
  }

  get ageMs(): number {
    return performance.now() - this.startedMs;
  }

  /** There is a worker, ready or not. */
  get isRunning(): boolean {
    return this.#port !== undefined;
  }

  /** There is a worker that has not said yet that it is ready. */
  get isStarting(): boolean {
    return this.#port !== undefined && !this.#hasBegun;
  }

  /** Gives the worker its configuration; starts one first where there is none. Resolves when this worker, or the one after it, has taken it. */
  configure(version: number, configuration: string): Promise<void> {
    this.#port ??= this.#start();
    this.post([ORDER.configure, version, configuration]);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #start(): WorkerPort {
    this.startedMs = performance.now();
    this.#hasBegun = false;
    this.#posted = 0;
    this.#taken = 0;
    this.#outbox = [];
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

  /** The worker is to hold a call no longer, and nobody is told of its end. */
  letGo(call: SlotCall): void {
    this.forget(call);
    call.cancel();
  }

  /** Adds an order to the message that leaves at the end of this turn. */
  post(order: Flat): void {
    // The cancelled calls of a worker that died are not its successor's.
    if (this.#port === undefined) return;
    for (const field of order) this.#outbox.push(field);
    this.#posted += 1;
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Posts an order in a message of its own, with a body of which the worker gets a copy, or the only one. */
  postAlone(order: Flat, body: ArrayBuffer, isGiven = false): void {
    if (this.#port === undefined) return;
    this.#flush();
    this.#posted += 1;
    const alone = [...order, body] as unknown as Flat;
    if (isGiven) this.#port.post(alone, body);
    else this.#port.post(alone);
  }

  failAll(error: GatewayError): void {
    for (const call of [...this.#calls.values()]) {
      call.cancel();
      this.forget(call);
      this.#lastWord(call, () => call.events.fail(error, undefined));
    }
  }

  /** Of a worker that is gone: nobody is left to be told of a cancelled call. */
  loseAll(error: GatewayError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) this.#lastWord(call, () => call.events.lost(error));
  }

  /** What goes wrong at the end of one call must not keep the others from theirs. */
  #lastWord(call: SlotCall, tell: () => void): void {
    try {
      tell();
    } catch (thrown) {
      this.#fault(call, thrown);
    }
  }

  /** Ends the worker as a fault would, and it gets no further calls meanwhile; or makes it stand still, which has to be noticed. */
  drill(how: "crash" | "stall"): void {
    this.post([ORDER.crash, how === "crash" ? 0 : 1]);
    if (how === "crash") this.ready = false;
  }

  die(reason: string): void {
    this.terminate();
    this.#events.died(this, reason);
  }

  terminate(): void {
    this.#port?.terminate();
    this.#port = undefined;
    this.ready = false;
    this.isStill = false;
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
        this.#hasBegun = true;
        this.lastPulseMs = performance.now();
        for (const resolve of this.#waiting.splice(0)) resolve();
        this.#events.came();
      } else if (operation === REPORT.pulse) {
        this.lagMs = reports[at + 2] as number;
        this.#taken = reports[at + 3] as number;
        this.lastPulseMs = performance.now();
        if (this.isStill) {
          this.isStill = false;
          this.#events.came();
        }
      } else if (operation === REPORT.notice) this.#events.noticed(this, reports[at + 2] as string);
      else if (operation === REPORT.lesson) this.#events.learned(this, reports[at + 2] as string);
      else {
        const call = this.#calls.get(reports[at + 1] as number);
        // A call that was cancelled meanwhile has no ears any more.
        if (call !== undefined)
          try {
            this.#tell(call, operation, reports, at);
          } catch (thrown) {
            this.#fault(call, thrown);
          }
      }
      at += REPORT_LENGTH[operation] ?? reports.length;
    }
  }

  /** A report could not be told: that ends its call, and the other reports are told. */
  #fault(call: SlotCall, thrown: unknown): void {
    const error = asGatewayError(thrown);
    // Its own end may be what failed, and then nobody else says why.
    this.#events.noticed(this, error.detail.log ?? "");
    call.cancel();
    this.forget(call);
    try {
      call.events.fail(error, undefined);
    } catch (second) {
      this.#events.noticed(this, asGatewayError(second).detail.log ?? "");
    }
  }

  #tell(call: SlotCall, operation: number, reports: Flat, at: number): void {
    const { events } = call;
    if (operation === REPORT.chunk) events.chunk(reports[at + 2] as string);
    else if (operation === REPORT.open) events.open(reports[at + 2] as string);
    else if (operation === REPORT.answer) events.answer(reports[at + 2] as string);
    else if (operation === REPORT.weighed) events.weighed(envelope(reports, at + 2), reports[at + 5] as number, reports[at + 6] as number);
    else if (operation === REPORT.dropped) events.dropped(reports[at + 2] as string);
    else if (operation === REPORT.estimated) events.estimated(reports[at + 2] as number);
    else if (operation === REPORT.done) {
      this.forget(call);
      events.done(ended(reports, at + 2));
    } else if (operation === REPORT.fail) {
      this.forget(call);
      events.fail(failure(reports, at + 2), ended(reports, at + 4));
    } else if (operation === REPORT.missed) events.missed(failure(reports, at + 2), ended(reports, at + 4));
  }
}

function envelope(reports: Flat, at: number): Envelope {
  const [model, stream, maxTokens] = reports.slice(at, at + 3) as [string, number, number];
  return { model, stream: stream === 1, maxTokens };
}

function failure(reports: Flat, at: number): GatewayError {
  return new GatewayError(reports[at] as ErrorKind, JSON.parse(reports[at + 1] as string) as FailureDetail);
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
    attempts: reports[at + 8] as number,
  };
}

export class SlotCall implements PoolCall {
  readonly id: number;
  readonly events: CallEvents;
  readonly #slot: Slot;

  constructor(id: number, slot: Slot, events: CallEvents) {
    this.id = id;
    this.#slot = slot;
    this.events = events;
  }

  go(target: number, isLast: boolean, requestId: string, factor: number): void {
    this.#slot.post([ORDER.go, this.id, target, isLast ? 1 : 0, requestId, factor]);
  }

  credit(bytes: number): void {
    this.#slot.post([ORDER.credit, this.id, bytes]);
  }

  cancel(): void {
    this.#slot.post([ORDER.cancel, this.id]);
  }
}
