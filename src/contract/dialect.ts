import type { ByteText } from "./bytes.ts";
import type { ErrorKind, ErrorName, GatewayError } from "./errors.ts";

export type DialectName = "anthropic" | "openai";

/** What a route does; the gateway has one handler for each. */
export type Operation = "generate" | "models" | "model";

export interface Route {
  method: "GET" | "POST";
  /** In Elysia's notation; `:region` and `:model` are its parameters. No `:region` means the workspace's default region. */
  path: string;
  operation: Operation;
}

/** What Weir itself needs to know of a checked request body; the body stays the text that the client sent. */
export interface Envelope {
  /** As the client named it. */
  model: string;
  stream: boolean;
  /** Largest answer the client asked for, in tokens; 0 where it did not say. */
  maxTokens: number;
}

/** One line of a models list. */
export interface ModelEntry {
  id: string;
  /** Seconds since 1970. */
  created: number;
}

/**
 * One client protocol: its routes, its request check and the shape of its answers. Used on both sides of a thread:
 * the front checks small bodies itself, a worker checks large ones.
 */
export interface Dialect {
  readonly name: DialectName;
  readonly routes: readonly Route[];
  /** How this dialect names each kind of failure. */
  readonly errorNames: Readonly<Record<ErrorKind, ErrorName>>;
  /** Of the rate-limit headers that this dialect has beside `x-ratelimit-…`. */
  readonly rateLimitPrefix: string | undefined;
  /** Sent on a stream that has been silent for a while: valid between two events, ignored by every client. */
  readonly keepAlive: ByteText;
  /**
   * The request headers that matter to the check or to the upstream, as one string (so that it crosses a thread flat).
   * Only this dialect and the providers that speak it know its form.
   */
  hints(headers: Headers): string;
  /**
   * Validates a request body.
   * @throws GatewayError `invalid_request` or `unsupported_parameter` whose message names the field.
   */
  check(body: ByteText, hints: string): Envelope;
  /** The whole error answer, as JSON. */
  errorBody(error: GatewayError, requestId: string): ByteText;
  /** An error after the first byte: the last thing on the stream. */
  errorEvent(error: GatewayError, requestId: string): ByteText;
  models(entries: readonly ModelEntry[]): ByteText;
  model(entry: ModelEntry): ByteText;
  /** For a path that no route has (normalised, without the public prefix): whether it was probably meant for this dialect. */
  owns(path: string): boolean;
  /** Of such a path: the sentence that names the mistake, or undefined where there is nothing to say but which routes exist. */
  misroute(path: string): string | undefined;
  /** Whether the headers are those of this dialect's clients; decides the shape of an error where the path says nothing. */
  speaks(headers: Headers): boolean;
}
