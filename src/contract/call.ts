import type { ByteText } from "./bytes.ts";
import type { DialectName } from "./dialect.ts";
import type { GatewayError } from "./errors.ts";
import type { Usage } from "./usage.ts";

/** How a call ended, as its worker saw it. */
export interface Ended {
  usage: Usage;
  /** Milliseconds from sending the upstream its request to the first usable byte of the answer; 0 where none came. */
  firstByteMs: number;
  /** Milliseconds from sending the request to the end of the answer. */
  upstreamMs: number;
  upstreamRequestId: string;
}

/** What a worker reports of one call: `open` and `chunk`s, or `answer`; and at the end `done` or `fail`, once. Nothing after `cancel`. */
export interface CallEvents {
  weighed(model: string, stream: boolean, maxTokens: number): void;
  open(text: ByteText): void;
  chunk(text: ByteText): void;
  answer(text: ByteText): void;
  done(ended: Ended): void;
  fail(error: GatewayError, ended: Ended): void;
}

/** The front's end of a call that a worker holds. */
export interface PoolCall {
  /** Starts a weighed call. */
  go(target: number, requestId: string): void;
  /** The client has taken `bytes` more. */
  credit(bytes: number): void;
  /** Ends the call without a word; no event comes after it. */
  cancel(): void;
}

export interface CallOrder {
  dialect: DialectName;
  target: number;
  stream: boolean;
  model: string;
  hints: string;
  requestId: string;
  body: ByteText;
}
