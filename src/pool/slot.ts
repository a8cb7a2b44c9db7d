import type { Along, CallEvents, PoolCall } from "../contract/call.ts";
import { asGatewayError, type GatewayError } from "../contract/errors.ts";
import type { Flat } from "../contract/messages.ts";
import { orderCancel, orderConfigure, orderCredit, orderDrill, orderGo, orderTeach } from "../contract/orders.ts";
import { type ReportTaker, readReports } from "../contract/reports.ts";
import type { StartWorker, WorkerPort } from "./thread.ts";

let lastCallId = 0;

/** Receives the news of a slot's worker. */
export interface SlotEvents {
  died(slot: Slot, reason: string): void;
  /** Something for the log that ended no worker. */
  noticed(slot: Slot, text: string): void;
  /** The worker takes calls (again). */
  came(): void;
  /** Its worker has learned something about a target from a refusal; `text` is for the log. */
  learned(slot: Slot, target: number, taught: string, text: string): void;
}

/** One place in the pool: a worker, and after it its replacement. */
export class Slot implements ReportTaker<SlotCall> {
  readonly index: number;
  isReady = false;
  /** The worker is there, but shows no sign of life: it gets no new calls. */
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

  /** Gives the worker its configuration; starts a worker first where there is none. Resolves when this worker, or the one after it, has taken it. */
  configure(configuration: string): Promise<void> {
    this.#port ??= this.#start();
    orderConfigure(this.next(), configuration);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** What another worker has learned. */
  teach(target: number, forMs: number, taught: string): void {
    orderTeach(this.next(), target, forMs, taught);
  }

  #start(): WorkerPort {
    this.startedMs = performance.now();
    this.#hasBegun = false;
    this.#posted = 0;
    this.#taken = 0;
    this.#outbox = [];
    const port: WorkerPort = this.#startWorker({
      reports: (reports) => {
        if (this.#port === port) readReports(reports, this);
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

  /** The worker is to drop a call, and the call's end is not reported. */
  letGo(call: SlotCall): void {
    this.forget(call);
    call.cancel();
  }

  /** The message that leaves at the end of this turn. Orders are written to it. */
  next(): Flat {
    // The worker has died, and the next one does not know its calls: what is written here goes nowhere.
    if (this.#port === undefined) return [];
    this.#posted += 1;
    if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
    return this.#outbox;
  }

  /**
   * Posts an order that must not wait for others, and that no other order has to wait for.
   * @param given - A buffer in it that is moved to the worker; other buffers are copied.
   */
  postAlone(message: Flat, given?: ArrayBuffer): void {
    if (this.#port === undefined) return;
    this.#flush();
    this.#posted += 1;
    if (given === undefined) this.#port.post(message);
    else this.#port.post(message, given);
  }

  failAll(error: GatewayError): void {
    for (const call of [...this.#calls.values()]) {
      call.cancel();
      this.forget(call);
      this.#lastWord(call, () => call.events.fail(error, undefined));
    }
  }

  /** Ends the calls of a worker that is gone; a cancelled call has no receiver any more. */
  loseAll(error: GatewayError): void {
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) this.#lastWord(call, () => call.events.lost(error));
  }

  /** An exception at the end of one call must not keep the other calls from their end. */
  #lastWord(call: SlotCall, report: () => void): void {
    try {
      report();
    } catch (thrown) {
      this.#fault(call, thrown);
    }
  }

  /** Ends the worker as a fault would, and gives it no further calls until then; or makes it hang, which the pool has to notice. */
  drill(how: "crash" | "stall"): void {
    orderDrill(this.next(), how);
    if (how === "crash") this.isReady = false;
  }

  die(reason: string): void {
    this.terminate();
    this.#events.died(this, reason);
  }

  terminate(): void {
    this.#port?.terminate();
    this.#port = undefined;
    this.isReady = false;
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

  /** Called by the reader of reports. A call that was cancelled meanwhile is not found any more. */
  call(id: number): SlotCall | undefined {
    return this.#calls.get(id);
  }

  /** Called by the reader of reports. */
  over(call: SlotCall): void {
    this.forget(call);
  }

  /** Called by the reader of reports. */
  notice(text: string): void {
    this.#events.noticed(this, text);
  }

  /** Called by the reader of reports. */
  lesson(target: number, taught: string, text: string): void {
    this.#events.learned(this, target, taught, text);
  }

  /** Called by the reader of reports: there is a worker, and it has its configuration. */
  ready(): void {
    this.isReady = true;
    this.#hasBegun = true;
    this.lastPulseMs = performance.now();
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#events.came();
  }

  /** Called by the reader of reports. */
  pulse(lagMs: number, taken: number): void {
    this.lagMs = lagMs;
    this.#taken = taken;
    this.lastPulseMs = performance.now();
    if (!this.isStill) return;
    this.isStill = false;
    this.#events.came();
  }

  /** Called by the reader of reports. */
  failed(call: SlotCall | undefined, thrown: unknown): void {
    if (call === undefined) this.#noteFault(thrown);
    else this.#fault(call, thrown);
  }

  /** A report could not be handled: that ends its call, and the other reports are still handled. */
  #fault(call: SlotCall, thrown: unknown): void {
    // The call's own end may be what failed, and then no other report says why.
    this.#noteFault(thrown);
    call.cancel();
    this.forget(call);
    try {
      call.events.fail(asGatewayError(thrown), undefined);
    } catch (second) {
      this.#noteFault(second);
    }
  }

  #noteFault(thrown: unknown): void {
    this.notice(asGatewayError(thrown).detail.log ?? "");
  }
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

  go(target: number, isLast: boolean, factor: number, along: Along): void {
    orderGo(this.#slot.next(), this.id, target, isLast, factor, along);
  }

  credit(bytes: number): void {
    orderCredit(this.#slot.next(), this.id, bytes);
  }

  cancel(): void {
    orderCancel(this.#slot.next(), this.id);
  }
}
