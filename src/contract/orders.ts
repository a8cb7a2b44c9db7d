/** Messages from the front to a worker; see `messages.ts`. */
import type { ByteText } from "./bytes.ts";
import { type Along, type CallOrder, NOTHING_ALONG, type WeighOrder } from "./call.ts";
import type { CallOperation, DialectName } from "./dialect.ts";
import { type Bit, type Flat, fieldReader, type Length, type WorkerConfig } from "./messages.ts";

/** The fields of each order, in the order in which they cross. */
interface OrderFields {
  /** Start a call whose body has been checked. `estimate`: 0 where it was not weighed. */
  call: [
    id: number,
    dialect: DialectName,
    operation: CallOperation,
    target: number,
    isLast: Bit,
    stream: Bit,
    model: string,
    hints: string,
    owner: string,
    passedOn: string,
    isTimed: Bit,
    guess: number,
    estimate: number,
    factor: number,
    body: ByteText,
  ];
  /** Check and estimate a large body first. */
  weigh: [id: number, dialect: DialectName, operation: CallOperation, hints: string, owner: string, body: ArrayBuffer];
  /** Start a weighed call, or start one that was `missed` once more. */
  go: [id: number, target: number, isLast: Bit, factor: number, passedOn: string, isTimed: Bit];
  /** End a call in any state; only its `done` comes, with what the call has used so far. */
  cancel: [id: number];
  /** The client has taken this many more bytes. */
  credit: [id: number, bytes: number];
  /** The targets that later calls may name, as JSON of `WorkerConfig`. Calls that run keep the ones they have. */
  configure: [config: string];
  /** What another worker has learned about a target, and for how long that is good. Has no effect on a target that is not known any more. */
  teach: [target: number, forMs: number, taught: string];
  /** For drills: fail abruptly, as a crash would, or hang. */
  drill: [how: "crash" | "stall"];
}

/** The first field of each order: its kind. Kinds that belong to a call come first. */
const ORDER = { call: 0, weigh: 1, go: 2, cancel: 3, credit: 4, configure: 5, teach: 6, drill: 7 } as const satisfies Record<
  keyof OrderFields,
  number
>;

const LENGTHS: { readonly [Name in keyof OrderFields as (typeof ORDER)[Name]]: Length<OrderFields[Name]> } = {
  [ORDER.call]: 16,
  [ORDER.weigh]: 7,
  [ORDER.go]: 7,
  [ORDER.cancel]: 2,
  [ORDER.credit]: 3,
  [ORDER.configure]: 2,
  [ORDER.teach]: 4,
  [ORDER.drill]: 2,
};

function bit(truth: boolean): Bit {
  return truth ? 1 : 0;
}

function write<Name extends keyof OrderFields>(message: Flat, name: Name, ...fields: OrderFields[Name]): void {
  message.push(ORDER[name], ...fields);
}

const field = fieldReader<OrderFields>();

export function orderCall(message: Flat, id: number, order: CallOrder): void {
  const { dialect, operation, target, isLast, stream, model, hints, owner, along, guess, estimate = 0, factor, body } = order;
  const [last, streamed, timed] = [bit(isLast), bit(stream), bit(along.isTimed)];
  const { passedOn } = along;
  write(
    message,
    "call",
    id,
    dialect,
    operation,
    target,
    last,
    streamed,
    model,
    hints,
    owner,
    passedOn,
    timed,
    guess,
    estimate,
    factor,
    body,
  );
}

export function orderWeigh(message: Flat, id: number, { dialect, operation, hints, owner, body }: WeighOrder): void {
  write(message, "weigh", id, dialect, operation, hints, owner, body);
}

export function orderGo(message: Flat, id: number, target: number, isLast: boolean, factor: number, along: Along): void {
  write(message, "go", id, target, isLast ? 1 : 0, factor, along.passedOn, bit(along.isTimed));
}

export function orderCancel(message: Flat, id: number): void {
  write(message, "cancel", id);
}

export function orderCredit(message: Flat, id: number, bytes: number): void {
  write(message, "credit", id, bytes);
}

/** @param config - JSON of `WorkerConfig`: all workers get the same text. */
export function orderConfigure(message: Flat, config: string): void {
  write(message, "configure", config);
}

/** @param taught - The text of the worker that learned it; only the target's adapter reads it (`Adapter.taught`). */
export function orderTeach(message: Flat, target: number, forMs: number, taught: string): void {
  write(message, "teach", target, forMs, taught);
}

export function orderDrill(message: Flat, how: "crash" | "stall"): void {
  write(message, "drill", how);
}

/** Carries out orders. */
export interface OrderTaker {
  call(id: number, order: CallOrder): void;
  weigh(id: number, order: WeighOrder): void;
  go(id: number, target: number, isLast: boolean, factor: number, along: Along): void;
  cancel(id: number): void;
  credit(id: number, bytes: number): void;
  configure(config: WorkerConfig): void;
  teach(target: number, forMs: number, taught: string): void;
  drill(how: "crash" | "stall"): void;
  /** An order could not be carried out; the others still are. `id`: its call, undefined for an order that belongs to no call. An exception of this function ends the reading. */
  failed(id: number | undefined, thrown: unknown): void;
}

/**
 * Has every order of a message carried out.
 * @returns the number of orders.
 */
export function readOrders(message: Flat, taker: OrderTaker): number {
  let count = 0;
  for (let at = 0; at < message.length; count++) {
    const kind = message[at] as keyof typeof LENGTHS;
    try {
      read(kind, message, at, taker);
    } catch (thrown) {
      taker.failed(kind <= ORDER.credit ? (message[at + 1] as number) : undefined, thrown);
    }
    at += LENGTHS[kind];
  }
  return count;
}

function read(kind: keyof typeof LENGTHS, message: Flat, at: number, taker: OrderTaker): void {
  switch (kind) {
    case ORDER.credit:
      taker.credit(field(message, at, "credit", 0), field(message, at, "credit", 1));
      return;
    case ORDER.call:
      taker.call(field(message, at, "call", 0), callAt(message, at));
      return;
    case ORDER.weigh:
      taker.weigh(field(message, at, "weigh", 0), {
        dialect: field(message, at, "weigh", 1),
        operation: field(message, at, "weigh", 2),
        hints: field(message, at, "weigh", 3),
        owner: field(message, at, "weigh", 4),
        body: field(message, at, "weigh", 5),
      });
      return;
    case ORDER.go: {
      const along = alongOf(field(message, at, "go", 4), field(message, at, "go", 5));
      taker.go(
        field(message, at, "go", 0),
        field(message, at, "go", 1),
        field(message, at, "go", 2) === 1,
        field(message, at, "go", 3),
        along,
      );
      return;
    }
    case ORDER.cancel:
      taker.cancel(field(message, at, "cancel", 0));
      return;
    case ORDER.configure:
      taker.configure(JSON.parse(field(message, at, "configure", 0)) as WorkerConfig);
      return;
    case ORDER.teach:
      taker.teach(field(message, at, "teach", 0), field(message, at, "teach", 1), field(message, at, "teach", 2));
      return;
    case ORDER.drill:
      taker.drill(field(message, at, "drill", 0));
  }
}

function callAt(message: Flat, at: number): CallOrder {
  return {
    dialect: field(message, at, "call", 1),
    operation: field(message, at, "call", 2),
    target: field(message, at, "call", 3),
    isLast: field(message, at, "call", 4) === 1,
    stream: field(message, at, "call", 5) === 1,
    model: field(message, at, "call", 6),
    hints: field(message, at, "call", 7),
    owner: field(message, at, "call", 8),
    along: alongOf(field(message, at, "call", 9), field(message, at, "call", 10)),
    guess: field(message, at, "call", 11),
    estimate: field(message, at, "call", 12),
    factor: field(message, at, "call", 13),
    body: field(message, at, "call", 14),
  };
}

/** One object, shared by all calls that have no further fields. */
function alongOf(passedOn: string, isTimed: Bit): Along {
  return passedOn === "" && isTimed === 0 ? NOTHING_ALONG : { passedOn, isTimed: isTimed === 1 };
}
