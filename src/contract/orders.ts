/** What the front says to a worker; see `messages.ts`. */
import type { ByteText } from "./bytes.ts";
import { type Along, type CallOrder, NOTHING_ALONG, type WeighOrder } from "./call.ts";
import type { CallOperation, DialectName } from "./dialect.ts";
import type { Bit, Flat, Length, WorkerConfig } from "./messages.ts";

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
  /** End a call, whatever it is doing; only its `done` comes, with what it has used so far. */
  cancel: [id: number];
  /** The client has taken so many more bytes. */
  credit: [id: number, bytes: number];
  /** The targets that later calls may name, as JSON of `WorkerConfig`. Calls that run keep the ones they have. */
  configure: [config: string];
  /** What another worker has learned of a target, and for how long that is good. A target that is not known any more has nothing to learn. */
  teach: [target: number, forMs: number, taught: string];
  /** For drills: fail abruptly, as a crash would, or stand still. */
  drill: [how: "crash" | "stall"];
}

/** What each order begins with. Those of a call come first. */
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

function fieldsAt<Name extends keyof OrderFields>(message: Flat, at: number, name: Name): OrderFields[Name] {
  return message.slice(at + 1, at + LENGTHS[ORDER[name]]) as unknown as OrderFields[Name];
}

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

/** @param taught - As `Connection.taught` reads it. */
export function orderTeach(message: Flat, target: number, forMs: number, taught: string): void {
  write(message, "teach", target, forMs, taught);
}

export function orderDrill(message: Flat, how: "crash" | "stall"): void {
  write(message, "drill", how);
}

/** Who carries orders out. */
export interface OrderTaker {
  call(id: number, order: CallOrder): void;
  weigh(id: number, order: WeighOrder): void;
  go(id: number, target: number, isLast: boolean, factor: number, along: Along): void;
  cancel(id: number): void;
  credit(id: number, bytes: number): void;
  configure(config: WorkerConfig): void;
  teach(target: number, forMs: number, taught: string): void;
  drill(how: "crash" | "stall"): void;
  /** An order could not be carried out, and the others are: `id` is its call's, undefined for one that is no call's. What this throws ends the reading. */
  failed(id: number | undefined, thrown: unknown): void;
}

/**
 * Has every order of a message carried out.
 * @returns how many there were.
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
      taker.credit(...fieldsAt(message, at, "credit"));
      return;
    case ORDER.call: {
      const fields = fieldsAt(message, at, "call");
      const [id, dialect, operation, target, isLast, stream, model, hints, owner, passedOn, isTimed, guess, estimate, factor, body] =
        fields;
      const bits = { isLast: isLast === 1, stream: stream === 1 };
      const along = alongOf(passedOn, isTimed);
      taker.call(id, { dialect, operation, target, ...bits, model, hints, owner, along, guess, estimate, factor, body });
      return;
    }
    case ORDER.weigh: {
      const [id, dialect, operation, hints, owner, body] = fieldsAt(message, at, "weigh");
      taker.weigh(id, { dialect, operation, hints, owner, body });
      return;
    }
    case ORDER.go: {
      const [id, target, isLast, factor, passedOn, isTimed] = fieldsAt(message, at, "go");
      taker.go(id, target, isLast === 1, factor, alongOf(passedOn, isTimed));
      return;
    }
    case ORDER.cancel:
      taker.cancel(...fieldsAt(message, at, "cancel"));
      return;
    case ORDER.configure:
      taker.configure(JSON.parse(...fieldsAt(message, at, "configure")) as WorkerConfig);
      return;
    case ORDER.teach:
      taker.teach(...fieldsAt(message, at, "teach"));
      return;
    case ORDER.drill:
      taker.drill(...fieldsAt(message, at, "drill"));
  }
}

/** One object for all calls that have nothing along. */
function alongOf(passedOn: string, isTimed: Bit): Along {
  return passedOn === "" && isTimed === 0 ? NOTHING_ALONG : { passedOn, isTimed: isTimed === 1 };
}
