/** Traces of calls, as the request's way sees them; whoever sends them is loaded only where they are wanted. */

interface TokenCounts {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
}

/** A call at its beginning. */
export interface CallBegun {
  method: string;
  /** As metrics and log name it. */
  route: string;
  /** What is asked of a model; "" where that is nothing. */
  operation: string;
  /** The trace that it is part of; "" where its client sent none. */
  traceparent: string;
  tracestate: string;
}

/** What one attempt asks for, and where. */
export interface AttemptBegun {
  /** What OpenTelemetry calls the cloud. */
  provider: string;
  upstream: string;
  /** The upstream's name of it. */
  model: string;
  stream: boolean;
  /** 0 where the client did not say. */
  maxTokens: number;
  /** The client's own session; "" where there is none. */
  session: string;
}

export interface AttemptEnded {
  /** `ok`, `cancelled` or a kind of failure. */
  outcome: string;
  /** Undefined where no worker could say. */
  usage: TokenCounts | undefined;
  /** Milliseconds; 0 where none came. */
  firstByteMs: number;
  /** The cloud's own id of the call. */
  upstreamRequestId: string;
  /** How often the request was sent. */
  sendings: number;
}

export interface CallEnded {
  requestId: string;
  workspace: string;
  keyId: string;
  /** "" where it was not found. */
  model: string;
  region: string;
  status: number;
  /** `ok`, `cancelled` or a kind of failure. */
  outcome: string;
  attempts: number;
  /** The client's address; "" where it is not to be told. */
  client: string;
}

/** The spans of one call: its own, and one for each attempt. */
export interface CallSpan {
  readonly traceId: string;
  /** Names the call's own span. */
  readonly traceparent: string;
  /** Names the span of the attempt that is under way, or the call's own. */
  readonly attemptParent: string;
  attemptBegan(attempt: AttemptBegun): void;
  /** Harmless where none is under way. */
  attemptEnded(ended: AttemptEnded): void;
  /** The attempt was chosen and not made. */
  attemptWithdrawn(): void;
  /** Once. */
  ended(ended: CallEnded): void;
}

export interface Tracing {
  /** Undefined for a call that is not among those that are traced. */
  begin(call: CallBegun): CallSpan | undefined;
  /** Sends what is left. Never rejects; whoever waits for it sets a bound. */
  close(): Promise<void>;
}

export interface TracingOptions {
  version: string;
  /** Of several processes; undefined where there is one. */
  process: number | undefined;
  onSpans: (result: "exported" | "dropped", count: number) => void;
}
