/** A worker thread: a desk whose orders and reports are messages. */
import { outliveFaults } from "../src/contract/fault.ts";
import type { Flat } from "../src/contract/messages.ts";
import { Desk } from "./desk.ts";

/** The part of a worker's global scope that is used here; the DOM's types describe a window's. */
interface Scope {
  onmessage: ((event: MessageEvent<Flat>) => void) | null;
  postMessage(message: Flat): void;
}

const scope = globalThis as unknown as Scope;
const desk = new Desk(
  (reports) => scope.postMessage(reports),
  // Not a microtask: the runtime runs microtasks after each socket that it reads, and every report would be a separate message.
  setImmediate,
);
outliveFaults((thrown) => desk.fault(thrown));
scope.onmessage = ({ data }) => desk.take(data);
