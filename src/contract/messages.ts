/**
 * What the front and a worker say to each other. A message is one flat array of primitives that holds any number of entries: an operation,
 * the id of the call, and that operation's fields in the order given here. Many entries share one post; see `design.md` §6 and the measurements
 * behind it (flat arrays of strings and numbers cross threads several times cheaper than objects or bytes).
 *
 * A new field is added here, in its writer and in its reader, and in the length table that steps over it.
 */
import type { Accepts } from "./accepts.ts";
import type { ProxySettings, Timeouts, TokenizerFamily, Upstream } from "./config.ts";

/** Front to worker. */
export const ORDER = {
  /**
   * id, dialect, operation, target, is last (0 | 1), stream (0 | 1), model, hints, request id, guess, estimate, factor, body: start a call whose body has been checked;
   * its input was reserved as `guess` tokens, or by the `estimate` where it was weighed (else 0). Where the target is not the last one that there is, a failure before the first text is `missed`.
   */
  call: 0,
  /** id, dialect, operation, hints: check a large body first. Alone in its message, whose last element is the body as an `ArrayBuffer`, a copy for the worker alone. */
  weigh: 1,
  /** id, target, is last (0 | 1), request id, factor: start a weighed call, or one that was `missed` once more. */
  go: 2,
  /** id: end a call, whatever it is doing; only its `done` comes, with what it has used so far. */
  cancel: 3,
  /** id, n: the client has taken n more bytes. */
  credit: 4,
  /** version, JSON of `WorkerConfig`: the targets that later calls may name. Calls that run keep the ones they have. */
  configure: 5,
  /** 0: fail abruptly, as a crash would; 1: stand still. For drills. */
  crash: 6,
} as const;

/** Worker to front. */
export const REPORT = {
  /** 0: loaded and listening. */
  ready: 0,
  /** id, model, stream (0 | 1), max tokens, conversation, estimated input tokens before any factor: the body is good, and the call waits for `go` or `cancel`. */
  weighed: 1,
  /** id, text: the answer is a stream and this is its beginning. */
  open: 2,
  /** id, text: more of it. */
  chunk: 3,
  /** id, text: the whole answer of a call that does not stream; `done` follows. */
  answer: 4,
  /**
   * id, input, output, cache read, cache write, first byte ms, upstream ms, upstream request id, estimated input before any factor, 0 where the upstream counted none, attempts (`Ended`):
   * the call ended well, or was cancelled.
   */
  done: 5,
  /** id, kind, JSON of `FailureDetail`, then as `done`: the call failed, before or after its first byte. */
  fail: 6,
  /** 0, event-loop lag in ms, orders taken so far: sent twice a second. */
  pulse: 7,
  /** id, estimated input tokens times the factor: the guess of a running call was far off. */
  estimated: 8,
  /** 0, text: something for the log that ended no call. */
  notice: 9,
  /** As `fail`, of a call that another target may serve: the client has seen nothing, and the call waits for `go` or `cancel`. */
  missed: 10,
  /** id, names: what was left out of the request, since its model does not take it; before whatever else is said of the answer. */
  dropped: 11,
  /** 0, text: what an upstream has taught by a refusal, for the log. */
  lesson: 12,
} as const;

/** Entries of an operation's row, operation and id included. */
export const ORDER_LENGTH: readonly number[] = [14, 5, 6, 2, 3, 3, 2];
export const REPORT_LENGTH: readonly number[] = [2, 7, 3, 3, 3, 11, 13, 4, 3, 3, 13, 3, 3];

/** Bytes of an answer that a worker may send before the client has taken any of them; then it stops reading from the upstream. */
export const STREAM_WINDOW = 256 * 1024;

export type Flat = (string | number)[];

/** Whoever does a worker's work; what it has to say it was given a function for when it was made. */
export interface WorkerDesk {
  take(orders: Flat): void;
  /** Tells of a fault that belongs to no call. */
  fault(thrown: unknown): void;
}

export interface Weighing {
  model: string;
  /** Undefined where the name has to say it. */
  family: TokenizerFamily | undefined;
  /** The input is counted by its table (`estimate: exact`). */
  exact: boolean;
}

/** What a worker is told of the configuration. */
export interface WorkerConfig {
  /** The thread takes its time: others of the process come first where processors are scarce. */
  givesWay?: boolean;
  proxy: ProxySettings | undefined;
  /** Bytes that it may keep of answers that are not whole yet. */
  heldBytes: number;
  upstreams: Upstream[];
  /** How models are weighed, by the names that clients use. */
  weighing: Weighing[];
  /** `upstream` is an index into `upstreams`, `accepts` one into the list of that name. Ids are never used twice in the life of a process. */
  targets: { id: number; upstream: number; model: string; countModel: string | undefined; accepts: number; timeouts: Timeouts }[];
  /** What models take: there are few kinds, and thousands of targets where many workspaces bring their own. */
  accepts: Accepts[];
}
