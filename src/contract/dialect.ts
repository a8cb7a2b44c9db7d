import type { ByteText } from "./bytes.ts";
import type { ErrorKind, ErrorName, GatewayError } from "./errors.ts";
import type { HeaderReader } from "./http.ts";
import type { Usage } from "./usage.ts";

/** The protocols that upstreams speak. */
export type UpstreamDialect = "anthropic" | "openai";

/** Dialects that clients speak: those of the upstreams, and the unified one, whose answers are translated. */
export type DialectName = UpstreamDialect | "unified";

/** Windows of a workspace and model that an operation counts in: `calls` has a window of requests and one of tokens, `counts` one of requests. */
export type CallWindow = "calls" | "counts";

interface CallKind {
  /** The windows in which the limits count it. */
  window: CallWindow;
  /** True where the model writes an answer whose tokens have to be reserved. */
  writes: boolean;
  /** True where it is about an answer that an upstream keeps. The id of the answer, in the path, is all that shows its model and target. */
  kept: boolean;
}

/** Operations of an upstream, and what the limits count of each. */
export const CALLS = {
  generate: { window: "calls", writes: true, kept: false },
  responses: { window: "calls", writes: true, kept: false },
  /** An earlier conversation, made shorter by the model. */
  compact: { window: "calls", writes: true, kept: false },
  embeddings: { window: "calls", writes: false, kept: false },
  count_tokens: { window: "counts", writes: false, kept: false },
  /** Reads an answer that is kept, whole or as the stream that it was. */
  kept_answer: { window: "counts", writes: false, kept: true },
  kept_input: { window: "counts", writes: false, kept: true },
  kept_delete: { window: "counts", writes: false, kept: true },
  kept_cancel: { window: "counts", writes: false, kept: true },
  /** Weir's own question: whether an answer made in the background has ended, and what it has used. No route has it. */
  kept_usage: { window: "calls", writes: true, kept: true },
} as const satisfies Record<string, CallKind>;

export type CallOperation = keyof typeof CALLS;

/** What a route does; the gateway has one handler for all calls, and one for each of the others. */
export type Operation = CallOperation | "models" | "model";

export function isCall(operation: Operation): operation is CallOperation {
  return Object.hasOwn(CALLS, operation);
}

/** Whether it is a call whose body names a model. */
export function namesModel(operation: Operation): boolean {
  return isCall(operation) && !CALLS[operation].kept;
}

export interface Route {
  method: "GET" | "POST" | "DELETE";
  /** The path in Elysia's notation; `:region`, `:model` and `:kept` (the id of an answer) are its parameters. No `:region` means the workspace's default region. */
  path: string;
  operation: Operation;
}

/** What Weir itself needs to know of a checked request body; the body stays the text that the client sent. */
export interface Envelope {
  /** The model's name, as the client wrote it. */
  model: string;
  stream: boolean;
  /** The client's bound of the answer, in tokens; 0 without a bound. */
  maxTokens: number;
  /** The client's id of the kept answer that this request continues. */
  previous?: string | undefined;
}

/** What is known of a body that has passed the check. */
export interface Checked extends Envelope {
  /** The parsed body, with byte text in its strings; for reading only. */
  request: object;
}

/** One line of a models list. */
export interface ModelEntry {
  id: string;
  /** Seconds since 1970. */
  created: number;
}

/** Turns answers from the upstream's protocol into the client's. `usage`: what was reported up to the end of the text. Never throws. */
export interface Translation {
  /** A whole answer. */
  answer(text: ByteText, usage: Usage): ByteText;
  /** The translation of one stream: takes whole events, gives whole events or "". */
  stream(): { push(text: ByteText, usage: Usage): ByteText };
}

/**
 * Validates the body of a call. For a call about a kept answer, `body` is the id of the answer with the query (`resp_1?stream=true`). The front checks small
 * bodies itself, a worker checks large ones.
 * @param hints - what the dialect's `hints` has returned
 * @throws GatewayError `invalid_request` or `unsupported_parameter` whose message names the field
 */
export type Check = (body: ByteText, hints: string, operation: CallOperation) => Checked;

/** One client protocol: its routes and the shape of its answers. Its requests are checked by its `Check`. */
export interface Dialect {
  readonly name: DialectName;
  /** The protocol of the upstreams that serve it. Requests are in this protocol already. Where the client's answers are in another one, `translation` makes them. */
  readonly upstream: UpstreamDialect;
  readonly translation: Translation | undefined;
  readonly routes: readonly Route[];
  /** How this dialect names each kind of failure. */
  readonly errorNames: Readonly<Record<ErrorKind, ErrorName>>;
  /** Prefix of the rate-limit headers that this dialect has beside `x-ratelimit-…`. */
  readonly rateLimitPrefix: string | undefined;
  /** Sent on a stream that has been silent for a while: valid between two events, ignored by every client. */
  readonly keepAlive: ByteText;
  /**
   * The request headers that matter to the check or to the upstream, as one string, so that they cross a thread at little cost. Only this dialect and the
   * providers that speak it know its form. It has no empty line: an empty line and the call's controls may follow it. `strict` is the operator's
   * `strict_parameters`.
   */
  hints(headers: HeaderReader, strict: boolean): string;
  /**
   * A hash that all requests of one conversation share, because they name it or begin with the same words. `request`: the parsed body from `Checked`, of a
   * call that writes an answer.
   */
  conversation(request: object): number;
  /** The end user that a request is for, as its client names them: byte text; "" where it names no user. `request`: the parsed body from `Checked`. */
  user(request: object): ByteText;
  /** The whole error answer, as JSON. */
  errorBody(error: GatewayError, requestId: string): ByteText;
  /** An error after the first byte: the last thing on the stream. */
  errorEvent(error: GatewayError, requestId: string, operation: CallOperation): ByteText;
  /** The answer to a request to count tokens. */
  tokenCount(inputTokens: number): ByteText;
  /**
   * The list of models, or the page of it that the query asks for where the dialect has pages.
   * @throws GatewayError `invalid_request`
   */
  models(entries: readonly ModelEntry[], query: URLSearchParams): ByteText;
  model(entry: ModelEntry): ByteText;
  /** For a path that no route has (normalised, without the public prefix): whether it was probably meant for this dialect. */
  owns(path: string): boolean;
  /** The sentence that names the mistake in such a path; undefined where no mistake is found. */
  misroute(path: string): string | undefined;
  /** Whether the headers are those of this dialect's clients. Decides the form of an error where the path does not show the dialect. */
  speaks(headers: HeaderReader): boolean;
}
