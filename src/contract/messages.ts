/**
 * How the front and a worker speak to each other. A message is one flat array that holds any number of entries: a number that says what the entry is, and
 * then its fields. Many entries share one post. Flat arrays of strings and numbers cross threads cheaper than nested objects, and than one
 * text that its reader cuts (docs/benchmarks.md).
 *
 * Messages of the front are in `orders.ts`, and those of a worker in `reports.ts`. Each file has one table of the fields, one writer for each kind of entry, and
 * one reader; no other code counts positions.
 */
import type { Accepts } from "./accepts.ts";
import type { ProxySettings, Timeouts, TokenizerFamily, Upstream } from "./config.ts";
import type { Controls } from "./controls.ts";

/** A message. Buffers are in it as they are: a thread gets a copy of each. */
export type Flat = (string | number | ArrayBuffer)[];

/** A truth value, as a field. */
export type Bit = 0 | 1;

/** Number of places of an entry in a message: one for its kind, and one for each field. */
export type Length<Fields extends readonly unknown[]> = [what: number, ...Fields]["length"];

/** Reads the fields of entries. `at` is where the entry begins, and `index` counts its fields from 0. */
type FieldReader<Table> = <Name extends keyof Table, Index extends number>(
  message: Flat,
  at: number,
  name: Name,
  index: Index,
) => Table[Name] extends readonly unknown[] ? Table[Name][Index] : never;

/**
 * Fields are read one by one. To make a list of them and take it apart cost more than the message, and kept the runtime from compiling the readers.
 */
export function fieldReader<Table>(): FieldReader<Table> {
  return (message, at, _name, index) => message[at + 1 + index] as never;
}

/** Bytes of an answer that a worker may send before the client has taken any of them; then it stops reading from the upstream. */
export const STREAM_WINDOW = 256 * 1024;

/** How long a lesson from a refusal is good, in milliseconds. */
export const LESSON_MS = 3_600_000;

/** Does a worker's work. It reports through a function that it got when it was made. */
export interface WorkerDesk {
  take(orders: Flat): void;
  /** Reports a fault that belongs to no call. */
  fault(thrown: unknown): void;
}

export interface Weighing {
  model: string;
  /** Undefined where it has to be found in the model's name. */
  family: TokenizerFamily | undefined;
  /** The input is counted by the model's table (`estimate: exact`). */
  exact: boolean;
}

/** The part of the configuration that a worker needs. */
export interface WorkerConfig {
  /** Where processors are scarce, the other threads of the process come first. */
  givesWay?: boolean;
  proxy: ProxySettings | undefined;
  /** Bytes of unfinished answers that the worker may keep. */
  heldBytes: number;
  upstreams: Upstream[];
  /** How models are weighed, by the names that clients use. */
  weighing: Weighing[];
  /** `upstream` is an index into `upstreams`, `accepts` one into the list of that name. Ids are never used twice in the life of a process. */
  targets: {
    id: number;
    upstream: number;
    model: string;
    countModel: string | undefined;
    accepts: number;
    controls?: Controls | undefined;
    timeouts: Timeouts;
  }[];
  /** What models accept, each kind once: there are few kinds, and thousands of targets where many workspaces bring their own. */
  accepts: Accepts[];
}
