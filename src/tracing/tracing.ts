/** The interface of traces for the code of a request. The code that sends spans is loaded only where calls are traced. */

interface TokenCounts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

/** A call at its beginning. */
export interface CallBegun {
  method: string;
  /** The route's name in metrics and log. */
  route: string;
  /** The operation of the route; "" where no model is asked. */
  operation: string;
  /** W3C header of the trace that the call belongs to; "" where the client sent none. */
  traceparent: string;
  tracestate: string;
}

/** An attempt at its beginning. */
export interface AttemptBegun {
  /** OpenTelemetry's name of the cloud. */
  provider: string;
  upstream: string;
  /** The upstream's name of the model. */
  model: string;
  stream: boolean;
  /** The most tokens of the answer; 0 where the client has set no limit. */
  maxTokens: number;
  /** The client's own session id; "" where it sent none. */
  session: string;
}

export interface AttemptEnded {
  /** `ok`, `cancelled` or a kind of failure. */
  outcome: string;
  /** Counts of tokens; undefined where no worker reported them. */
  usage: TokenCounts | undefined;
  /** Time to the first byte in milliseconds; 0 where none came. */
  firstByteMs: number;
  /** The cloud's id of the call. */
  upstreamRequestId: string;
  /** How often the request was sent. */
  sendings: number;
}

export interface CallEnded {
  requestId: string;
  workspace: string;
  keyId: string;
  /** The model's name; "" where the model was not found. */
  model: string;
  region: string;
  status: number;
  /** `ok`, `cancelled` or a kind of failure. */
  outcome: string;
  attempts: number;
  /** The client's address; "" where addresses are not to be recorded. */
  client: string;
}

/** The spans of one call: its own, and one for each attempt. */
export interface CallSpan {
  readonly traceId: string;
  /** `traceparent` of the span of the call. */
  readonly traceparent: string;
  /** `traceparent` of the span of the present attempt; of the call where there is no attempt. */
  readonly attemptParent: string;
  attemptBegan(attempt: AttemptBegun): void;
  /** Does nothing where no attempt is under way. */
  attemptEnded(ended: AttemptEnded): void;
  /** The attempt was planned, but not made. */
  attemptWithdrawn(): void;
  /** To be called once. */
  ended(ended: CallEnded): void;
}

export interface Tracing {
  /** Undefined for a call that is not sampled. */
  begin(call: CallBegun): CallSpan | undefined;
  /** Sends the spans that are left. Never rejects; the caller limits the time. */
  close(): Promise<void>;
}

export interface TracingOptions {
  version: string;
  /** Number of this process among several; undefined where there is one process. */
  process: number | undefined;
  onSpans: (result: "exported" | "dropped", count: number) => void;
}
