import { type ByteText, toByteText } from "../contract/bytes.ts";
import { type Along, type CallEvents, type CallOrder, type Ended, NOTHING_USED, type PoolCall, type WeighOrder } from "../contract/call.ts";
import type { Envelope } from "../contract/dialect.ts";
import { GatewayError } from "../contract/errors.ts";
import type { Flat } from "../contract/messages.ts";
import { orderWeigh } from "../contract/orders.ts";
import type { Slot, SlotCall } from "./slot.ts";

/** Bodies above this are checked by threads of their own: no other call is to wait behind a parser. What is smaller takes less time than the way there. */
export const APART_BYTES = 16 * 1024;
/**
 * A body above this is given away to the thread that checks it, as a copy would take milliseconds of this one, and the call stays there: to edit and
 * send the body costs as much as to check it. Should that thread be lost, so is the call.
 */
const COPIED_BYTES = 1024 * 1024;
/**
 * How many there are beside so many workers. One workspace may have all of them but one, so that the others' bodies never wait behind its own; and the first
 * of them checks no body that is given away: a heap that never had megabytes stays small.
 */
const WORKERS_FOR_EACH = 2;
const LEAST = 2;

export function checkersFor(workers: number): number {
  return Math.max(LEAST, 1 + Math.ceil(workers / WORKERS_FOR_EACH));
}

export interface CheckersHome {
  /** Starts the thread of a slot that has no thread. */
  start(slot: Slot): void;
  /** Gives a call to a worker; undefined where no worker is there. */
  call(order: CallOrder, events: CallEvents): PoolCall | undefined;
}

/**
 * Threads that check and weigh large bodies, each one body at a time: a parser cannot be stopped in the middle, and a parsed body takes many times its
 * size. Bodies wait here, and the workspaces that have some take turns. The threads start when they are first needed, and give way to all others where
 * processors are scarce.
 */
export class Checkers {
  readonly #slots: readonly Slot[];
  readonly #home: CheckersHome;
  /** Bodies that wait, by workspace; the one whose turn is next comes first. */
  readonly #line = new Map<string, CheckedCall[]>();
  /** The call that each thread is checking. */
  readonly #busy = new Map<Slot, CheckedCall>();
  /** Calls that wait in the line, or for `go`: no worker has them. */
  readonly #own = new Set<CheckedCall>();

  constructor(slots: readonly Slot[], home: CheckersHome) {
    this.#slots = slots;
    this.#home = home;
  }

  weigh(order: WeighOrder, events: CallEvents): PoolCall {
    const call = new CheckedCall(this, order, events);
    const { owner } = order;
    const waiting = this.#line.get(owner);
    if (waiting === undefined) this.#line.set(owner, [call]);
    else waiting.push(call);
    this.#own.add(call);
    this.#next();
    return call;
  }

  /** Called by a call: no thread checks it any more. */
  over(call: CheckedCall): void {
    for (const [slot, checked] of this.#busy) if (checked === call) this.#busy.delete(slot);
    this.#next();
  }

  /** Called by a call that no thread has: it waits for nothing more. */
  forget(call: CheckedCall): void {
    this.#own.delete(call);
    const { owner } = call.order;
    const waiting = this.#line.get(owner);
    const at = waiting?.indexOf(call) ?? -1;
    if (waiting === undefined || at < 0) return;
    waiting.splice(at, 1);
    if (waiting.length === 0) this.#line.delete(owner);
  }

  /** Called by a call: it has been weighed, and waits for `go`. */
  keep(call: CheckedCall): void {
    this.#own.add(call);
  }

  /** Called by a call: it goes to a worker. */
  carry(order: CallOrder, events: CallEvents): PoolCall | undefined {
    return this.#home.call(order, events);
  }

  /** Fails the calls that wait here. */
  failAll(error: GatewayError): void {
    for (const call of [...this.#own]) call.drop(error);
  }

  #next(): void {
    for (let found = this.#first(); found !== undefined; found = this.#first()) {
      const { call, slot } = found;
      const { owner } = call.order;
      const waiting = this.#line.get(owner) ?? [];
      this.forget(call);
      // The party goes to the end of the line.
      if (this.#line.delete(owner)) this.#line.set(owner, waiting);
      if (!slot.isRunning) this.#home.start(slot);
      this.#busy.set(slot, call);
      call.check(slot);
    }
  }

  /** A thread that checks nothing and may check such a body; one that runs rather than one that would have to start. */
  #free(isHuge: boolean): Slot | undefined {
    const free = this.#slots.filter((slot, index) => !this.#busy.has(slot) && !(isHuge && index === 0));
    return free.find((slot) => slot.isRunning) ?? free[0];
  }

  /** The first one whose turn it is, of a workspace that has not as many threads as it may have, and for which there is a thread. */
  #first(): { call: CheckedCall; slot: Slot } | undefined {
    const most = this.#slots.length - 1;
    for (const [owner, waiting] of this.#line) {
      const checked = [...this.#busy.values()].filter(({ order }) => order.owner === owner).length;
      const [call] = waiting;
      if (checked >= most || call === undefined) continue;
      const slot = this.#free(call.isHuge);
      if (slot !== undefined) return { call, slot };
    }
    return undefined;
  }
}

function clientGone(): GatewayError {
  return new GatewayError("cancelled", { message: "The client has gone." });
}

/** A call from its place in the line to the worker that carries it. */
class CheckedCall implements PoolCall, CallEvents {
  readonly order: WeighOrder;
  readonly #home: Checkers;
  readonly #events: CallEvents;
  readonly #isGiven: boolean;
  /** The thread that checks it, and its place there. */
  #checked: { slot: Slot; call: SlotCall } | undefined;
  /** The thread that has it now; undefined while it waits. */
  #call: PoolCall | undefined;
  /** The call has been weighed, and waits for `go`. */
  #weighed: { envelope: Envelope; estimate: number } | undefined;
  #isOver = false;
  /** Its client has gone while a thread had it: the thread's last report may have been on its way. */
  #isCancelled = false;

  constructor(home: Checkers, order: WeighOrder, events: CallEvents) {
    this.#home = home;
    this.order = order;
    this.#events = events;
    this.#isGiven = order.body.byteLength > COPIED_BYTES;
  }

  get isHuge(): boolean {
    return this.#isGiven;
  }

  /** Its turn has come. */
  check(slot: Slot): void {
    const call = slot.open(this);
    this.#checked = { slot, call };
    this.#call = call;
    const message: Flat = [];
    orderWeigh(message, call.id, this.order);
    slot.postAlone(message, this.#isGiven ? this.order.body : undefined);
  }

  go(target: number, isLast: boolean, factor: number, along: Along): void {
    const weighed = this.#weighed;
    this.#weighed = undefined;
    if (weighed === undefined) {
      this.#call?.go(target, isLast, factor, along);
      return;
    }
    this.#home.forget(this);
    const { dialect, operation, hints, owner, body } = this.order;
    const { model, stream } = weighed.envelope;
    const { estimate } = weighed;
    const text = toByteText(Buffer.from(body));
    const order = { dialect, operation, target, isLast, stream, model, hints, owner, along, guess: 0, estimate, factor, body: text };
    // From here on the worker's reports go directly to the call's owner, and not by way of this object.
    this.#call = this.#home.carry(order, this.#events);
    if (this.#call === undefined)
      this.lost(new GatewayError("worker_lost", { message: "No worker is available at this moment. Please try again." }));
  }

  credit(bytes: number): void {
    this.#call?.credit(bytes);
  }

  cancel(): void {
    if (this.#call !== undefined) {
      this.#isCancelled = true;
      this.#call.cancel();
    } else {
      this.#home.forget(this);
      // The code that cancels does not expect the last report before this function has returned.
      queueMicrotask(() => this.drop(clientGone()));
    }
  }

  /** No thread has it: this is its end. */
  drop(error: GatewayError): void {
    if (this.#isOver) return;
    this.#home.forget(this);
    this.fail(error, NOTHING_USED);
  }

  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void {
    if (!this.#isGiven) {
      this.#weighed = { envelope, estimate };
      this.#call = undefined;
      this.#checked?.slot.letGo(this.#checked.call);
      if (this.#isCancelled) {
        // The order to cancel has crossed this report, and the thread has nothing more to say.
        this.drop(clientGone());
        return;
      }
      this.#home.keep(this);
    }
    this.#release();
    this.#events.weighed(envelope, conversation, estimate, user);
  }

  sent(): void {
    this.#events.sent();
  }

  guarded(): void {
    this.#events.guarded();
  }

  estimated(inputTokens: number): void {
    this.#events.estimated(inputTokens);
  }

  dropped(names: string): void {
    this.#events.dropped(names);
  }

  open(text: string): void {
    this.#events.open(text);
  }

  chunk(text: string): void {
    this.#events.chunk(text);
  }

  answer(text: string): void {
    this.#events.answer(text);
  }

  missed(error: GatewayError, ended: Ended): void {
    this.#events.missed(error, ended);
  }

  done(ended: Ended): void {
    this.#end();
    this.#events.done(ended);
  }

  fail(error: GatewayError, ended: Ended | undefined): void {
    this.#end();
    this.#events.fail(error, ended);
  }

  lost(error: GatewayError): void {
    this.#end();
    if (this.#isGiven) this.#events.fail(error, undefined);
    else this.#events.lost(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#release();
  }

  /** Its thread is free for the next one. */
  #release(): void {
    if (this.#checked === undefined) return;
    this.#checked = undefined;
    this.#home.over(this);
  }
}
