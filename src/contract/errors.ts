/**
 * The one way to fail. A `GatewayError` has a kind; the edge gives it a status and the shape of the client's dialect.
 * The kind is also the metric label (`outcome`) and the log field.
 */

/** Every way a request can fail, with its HTTP status (a dialect may have a more exact one: `ErrorName.status`). */
export const STATUS = {
  invalid_request: 400,
  unsupported_parameter: 400,
  unauthenticated: 401,
  unknown_route: 404,
  unknown_region: 404,
  unknown_model: 404,
  method_not_allowed: 405,
  too_large: 413,
  /** The body did not come to its end in time. */
  body_timeout: 408,
  /** The client's own deadline has come. */
  deadline_exceeded: 504,
  /** The workspace has used up its requests, or its tokens, of the last minute. */
  rate_limited_requests: 429,
  rate_limited_tokens: 429,
  /** The input alone is more than the workspace's tokens per minute: no wait helps. */
  too_many_tokens: 413,
  /** Redis is away, and the operator chose to refuse rather than not to count. */
  limiter_unavailable: 503,
  /** The upstream refused what the client sent; the client's own mistake, in the upstream's words. */
  upstream_rejected: 400,
  upstream_rate_limited: 429,
  upstream_overloaded: 503,
  /** The upstream took the call and failed at it. */
  upstream_failed: 500,
  upstream_timeout: 504,
  /** No connection: refused, reset, name not found, certificate not trusted. */
  upstream_unreachable: 502,
  /** The upstream broke its own protocol or ended in the middle of an answer. */
  upstream_malformed: 502,
  /** Our fault, not the client's: a credential, a deployment, a model id or a quota that the operator has to correct. */
  misconfigured: 502,
  /** The process, or the workspace in it, has as many calls or bytes of bodies as it may. */
  overloaded: 503,
  worker_lost: 503,
  draining: 503,
  internal: 500,
  /** The client went away. The message is never read; the kind is used as the outcome. */
  cancelled: 499,
} as const satisfies Record<string, number>;

export type ErrorKind = keyof typeof STATUS;

export const ERROR_KINDS = Object.keys(STATUS) as ErrorKind[];

/** Failures of the target, not of the request. They count against the target's health, and another target is tried while the client has seen nothing. */
export const TARGET_FAILURES: ReadonlySet<string> = new Set([
  "upstream_rate_limited",
  "upstream_overloaded",
  "upstream_failed",
  "upstream_timeout",
  "upstream_unreachable",
  "upstream_malformed",
  "misconfigured",
] satisfies ErrorKind[]);

/**
 * Milliseconds after which another try may succeed, for our own 503s where nothing better is known: a worker is replaced at once, another gateway
 * serves while this one drains, and Redis is asked five times a second whether it is back.
 */
export const RETRY_AFTER_MS: Readonly<Partial<Record<ErrorKind, number>>> = {
  limiter_unavailable: 1_000,
  worker_lost: 1_000,
  draining: 1_000,
  overloaded: 1_000,
};

/** The longest wait that a client is asked for. Some clients ignore a longer one: openai 7.57 above 60 s (`src/client.ts`), ai 6.0 from 60 s on. */
export const LONGEST_RETRY_MS = 59_000;

/** Fields of a failure beside its kind. Every field is a primitive, so that it can cross a thread as data. */
export interface FailureDetail {
  /** Text for the client: what is wrong and what to do. Never holds a secret, a prompt or an upstream's address. */
  message: string;
  /** The field at fault, as the client named it (`messages.0.role`). */
  param?: string | undefined;
  /** A code of the dialect (`context_length_exceeded`), where the upstream gave one. */
  code?: string | undefined;
  /** A type of the dialect, where the upstream gave one. */
  type?: string | undefined;
  /** The upstream's own status, where it is more exact than the kind's (409, 422). */
  status?: number | undefined;
  /** Milliseconds after which another try may succeed. */
  retryAfterMs?: number | undefined;
  /** The upstream has sent the error in the stream itself, so the client has seen it. */
  isShown?: boolean | undefined;
  /** Another try cannot succeed for as long as any client goes on trying. */
  isFinal?: boolean | undefined;
  /** Milliseconds for which the upstream asked for no further requests. */
  restMs?: number | undefined;
  /** The client's request is good, but this target does not take it; another target may. */
  elsewhere?: boolean | undefined;
  /** The upstream's error object as JSON (byte text). The client gets it with its missing fields filled in. */
  body?: string | undefined;
  /** Text for the operator's log only: what happened and the cure. Never a secret or a prompt. */
  log?: string | undefined;
}

export class GatewayError extends Error {
  override readonly name = "GatewayError";

  readonly kind: ErrorKind;
  readonly detail: FailureDetail;

  constructor(kind: ErrorKind, detail: FailureDetail) {
    super(detail.message);
    this.kind = kind;
    this.detail = detail;
  }
}

/** How one dialect names one kind. */
export interface ErrorName {
  type: string;
  code?: string;
  /** Overrides `STATUS` where the dialect has another status for the kind (Anthropic's 529). */
  status?: number;
}

/** The whole message that a client gets about a fault of ours. */
export const INTERNAL_MESSAGE = "An internal error occurred.";

/** Any thrown value, as a GatewayError; one that is not ours becomes `internal`, and its text is for the log only. */
export function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  return new GatewayError("internal", { message: INTERNAL_MESSAGE, log: describe(thrown) });
}

/** A fault's text for the log. The message of a `JSON.parse` error quotes the parsed text, which may be a prompt, so only its name and stack frames are logged. */
function describe(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const frames = (thrown.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return [thrown instanceof SyntaxError ? thrown.name : `${thrown.name}: ${thrown.message}`, ...frames].join("\n");
}
