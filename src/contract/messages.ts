/**
 * How the front and a worker speak to each other. A message is one flat array that holds any number of entries: a number that says what the entry is, and
 * then its fields. Many entries share one post. Flat arrays of strings and numbers cross threads several times cheaper than objects or bytes (the
 * measurements are in `design.md` §6).
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

/** How many places an entry takes: what it is, and its fields. */
export type Length<Fields extends readonly unknown[]> = [what: number, ...Fields]["length"];

/** Reads the fields of entries. `at` is where the entry begins, and `index` counts its fields from 0. */
type FieldReader<Table> = <Name extends keyof Table, Index extends number>(
  message: Flat,
  at: number,
  name: Name,
  index: Index,
) => Table[Name] extends readonly unknown[] ? Table[Name][Index] : never;

/**
 * Fields are read one by one. A list of them that was taken apart cost more than the message, and kept the readers from being compiled for good.
 */
export function fieldReader<Table>(): FieldReader<Table> {
  return (message, at, _name, index) => message[at + 1 + index] as never;
}

/** Bytes of an answer that a worker may send before the client has taken any of them; then it stops reading from the upstream. */
export const STREAM_WINDOW = 256 * 1024;

/** How long what a refusal has taught is good. */
export const LESSON_MS = 3_600_000;

/** Does a worker's work. It reports through a function that it got when it was made. */
export interface WorkerDesk {
  take(orders: Flat): void;
  /** Reports a fault that belongs to no call. */
  fault(thrown: unknown): void;
}

export interface Weighing {
  model: string;
  /** Undefined where the name has to say it. */
  family: TokenizerFamily | undefined;
  /** The input is counted by its table (`estimate: exact`). */
  exact: boolean;
}

/** The part of the configuration that a worker needs. */
export interface WorkerConfig {
  /** The thread takes its time: others of the process come first where processors are scarce. */
  givesWay?: boolean;
  proxy: ProxySettings | undefined;
  /** Bytes of unfinished answers that it may keep. */
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
