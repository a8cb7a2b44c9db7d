import type { ByteText } from "./bytes.ts";
import type { CallOperation, DialectName, Envelope } from "./dialect.ts";
import type { GatewayError } from "./errors.ts";
import { noUsage, type Usage } from "./usage.ts";

/** How a call ended, as its worker saw it. */
export interface Ended {
  usage: Usage;
  /** Milliseconds from sending the request to the upstream until the first usable byte of the answer; 0 where no byte came. */
  firstByteMs: number;
  /** Milliseconds from sending the request to the end of the answer. */
  upstreamMs: number;
  upstreamRequestId: string;
  /** Input tokens as the worker estimated them, before any factor; `usage` has the upstream's own count of them. 0 without an estimate. */
  estimate: number;
  /** An answer that its upstream goes on with after the call: its id there, or "?" where that is not known; "" nearly always. */
  unfinished: string;
  /** How often the upstream was sent the request: 0 where it did not come to that, 2 where a kept connection had died. */
  attempts: number;
}

/** How a call ended of which nothing is known. */
export const NOTHING_USED: Ended = {
  usage: noUsage(),
  firstByteMs: 0,
  upstreamMs: 0,
  upstreamRequestId: "",
  estimate: 0,
  unfinished: "",
  attempts: 0,
};

/**
 * What a worker reports of one call: `weighed` where it was asked to, `missed` for each target that failed and is not the last one, then `open` and
 * `chunk`s, or `answer`; and at the end `done` or `fail`, once,
 * also for a call that was cancelled; or `lost`, as its last word too. `ended` is undefined where no worker could say.
 */
export interface CallEvents {
  /** `estimate` is of the input, before any factor; `user` as `Dialect.user` has it, cut. */
  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void;
  /** The request has left for the upstream; of a call that asked for it. */
  sent(): void;
  /** The guess at the input was far off: this is the worker's estimate, times the factor of the order. */
  estimated(inputTokens: number): void;
  /** The names of what was left out of the request, since its model does not take it; before the answer begins. */
  dropped(names: string): void;
  /** The cloud's guardrail has blocked or changed the answer: reported before that text of the answer. */
  guarded(): void;
  open(text: ByteText): void;
  chunk(text: ByteText): void;
  answer(text: ByteText): void;
  /** The target failed before the client has seen anything: the call waits for `go` or `cancel`. */
  missed(error: GatewayError, ended: Ended): void;
  done(ended: Ended): void;
  fail(error: GatewayError, ended: Ended | undefined): void;
  /** The worker is gone, and with it all that it held of the call. */
  lost(error: GatewayError): void;
}

/** What goes along with a call on its way to an upstream. */
export interface Along {
  /** Headers for the upstream beside its own, as `name\nvalue\nname\nvalue`; "" without any. */
  passedOn: string;
  /** The worker is to say when the request has left. */
  isTimed: boolean;
}

/** What most calls have: nothing extra. */
export const NOTHING_ALONG: Along = { passedOn: "", isTimed: false };

/** The front's end of a call that a worker holds. */
export interface PoolCall {
  /** Starts a weighed call, or one that was missed. `isLast`: no further target will be tried, so any failure is reported as the call's end. */
  go(target: number, isLast: boolean, factor: number, along: Along): void;
  /** The client has taken `bytes` more. */
  credit(bytes: number): void;
  /** Ends the call; of its events only the last one comes, with what was used so far. */
  cancel(): void;
}

/** A body that a worker is to check and weigh. */
export interface WeighOrder {
  dialect: DialectName;
  operation: CallOperation;
  hints: string;
  /** The workspace: its bodies wait for each other, and what is kept of the answer is its own. */
  owner: string;
  body: ArrayBuffer;
}

export interface CallOrder {
  dialect: DialectName;
  operation: CallOperation;
  target: number;
  /** No other target could serve the call: a failure is its end. */
  isLast: boolean;
  stream: boolean;
  model: string;
  hints: string;
  /** The same as in a `WeighOrder`. */
  owner: string;
  along: Along;
  /** Input tokens that were reserved without having been weighed. */
  guess: number;
  /** The input as it was weighed, before the factor; 0, or left out, where it was not. */
  estimate?: number;
  /** The factor by which an estimate of the input is multiplied. */
  factor: number;
  body: ByteText;
}

const ignore = (): void => {};

/** For a call of which only the end counts: `done`, `fail` and `lost` are to be replaced. */
export const ONLY_THE_END: CallEvents = {
  weighed: ignore,
  sent: ignore,
  estimated: ignore,
  dropped: ignore,
  guarded: ignore,
  open: ignore,
  chunk: ignore,
  answer: ignore,
  missed: ignore,
  done: ignore,
  fail: ignore,
  lost: ignore,
};
