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
  /** The upstream's id of an answer that it goes on making after the call; "?" where that id is not known. "", nearly always, without such an answer. */
  unfinished: string;
  /** How often the request was sent to the upstream: 0 where it was never sent, 2 where a kept connection had died. */
  attempts: number;
}

/** The end of a call about which nothing is known. */
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
 * What a worker reports of one call, in this order: `weighed`, where the body was to be weighed; `missed`, for each target that failed and is not the last
 * one; `open` and `chunk`s, or `answer`; and one last report, which also a cancelled call has: `done`, `fail` or `lost`. `ended` is undefined where no worker
 * knows it.
 */
export interface CallEvents {
  /** `estimate`: tokens of the input, before any factor. `user`: what `Dialect.user` returns, cut to a length. */
  weighed(envelope: Envelope, conversation: number, estimate: number, user: ByteText): void;
  /** The request has been sent to the upstream. Reported only for a call with `Along.isTimed`. */
  sent(): void;
  /** The guess at the input was far off: this is the worker's estimate, times the factor of the order. */
  estimated(inputTokens: number): void;
  /** Names of the fields that were left out of the request, because its model does not take them. Reported before the answer begins. */
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
  /** The worker is gone, and everything that it held of the call is lost. */
  lost(error: GatewayError): void;
}

/** What a worker gets with a call beside its body. */
export interface Along {
  /** Further headers for the upstream, as `name\nvalue\nname\nvalue`; "" without any. */
  passedOn: string;
  /** Whether the worker reports `sent`. */
  isTimed: boolean;
}

/** What most calls have: nothing extra. */
export const NOTHING_ALONG: Along = { passedOn: "", isTimed: false };

/** The front's end of a call that a worker holds. */
export interface PoolCall {
  /**
   * Starts a call that was weighed, or starts it at another target after `missed`. `isLast`: no further target will be tried, so any failure is reported as
   * the call's end.
   */
  go(target: number, isLast: boolean, factor: number, along: Along): void;
  /** The client has taken `bytes` more. */
  credit(bytes: number): void;
  /** Ends the call. Only its last event still comes, with what was used so far. */
  cancel(): void;
}

/** A body that a worker is to check and weigh. */
export interface WeighOrder {
  dialect: DialectName;
  operation: CallOperation;
  hints: string;
  /** The workspace. Its bodies wait for each other, and an answer that the upstream keeps belongs to it. */
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
  /** Input tokens that were reserved where the body was not weighed. */
  guess: number;
  /** Input tokens of a body that was weighed, before the factor; 0 or left out where it was not weighed. */
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
