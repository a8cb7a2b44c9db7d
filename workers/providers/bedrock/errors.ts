/**
 * AWS's errors, by HTTP status or in the middle of a stream, as a GatewayError.
 * Sources: AWS, "InvokeModel" and "InvokeModelWithResponseStream" (API reference, errors); platform.claude.com, "Errors" (Anthropic's own form).
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { type ErrorKind, type FailureDetail, GatewayError } from "../../../src/contract/errors.ts";
import type { HttpHeaders } from "../../wire/http.ts";
import { asObject, asWords, brief, errorFields, hintedMs, isUsedUp, misconfigured, retryAfterMs } from "../failure.ts";

/** Where an error happened, for the log; all are names from the configuration. */
export interface ErrorContext {
  upstream: string;
  upstreamModel: string;
}

interface Failure {
  /** The exception's name, without namespace; "" where AWS gave none. */
  name: string;
  /** HTTP status; 0 in a stream. */
  status: number;
  message: string;
  headers: HttpHeaders;
}

/** Kinds by the exception's name in lower case: streams write `throttlingException`, headers `ThrottlingException`. */
const KINDS = table<ErrorKind>({
  validationexception: "upstream_rejected",
  throttlingexception: "upstream_rate_limited",
  toomanyrequestsexception: "upstream_rate_limited",
  servicequotaexceededexception: "upstream_rate_limited",
  modelnotreadyexception: "upstream_overloaded",
  serviceunavailableexception: "upstream_overloaded",
  modeltimeoutexception: "upstream_timeout",
  modelerrorexception: "upstream_failed",
  modelstreamerrorexception: "upstream_failed",
  internalserverexception: "upstream_failed",
  // Claude 4.7 and later answer in Anthropic's own form, with its types.
  invalid_request_error: "upstream_rejected",
  request_too_large: "upstream_rejected",
  rate_limit_error: "upstream_rate_limited",
  overloaded_error: "upstream_overloaded",
  timeout_error: "upstream_timeout",
  api_error: "upstream_failed",
});

const BAD_KEY = "AWS does not know the key; give the upstream valid credentials";
const BAD_SIGNATURE = "the signature was refused; check the secret key, and that this machine's clock is right";
const BAD_MODEL = "AWS does not know the model in this region, or it has reached its end of life; correct the model's target";
const NO_ACCESS =
  "allow bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on this model (for an inference profile in each of its regions) and enable the model for the account";

/** Exceptions that only the operator can cure, with the cure. */
const CURES = table({
  accessdeniedexception: NO_ACCESS,
  notauthorized: NO_ACCESS,
  optinrequired: NO_ACCESS,
  permission_error: NO_ACCESS,
  billing_error: "the account has a problem with its billing",
  unrecognizedclientexception: BAD_KEY,
  invalidclienttokenid: BAD_KEY,
  missingauthenticationtokenexception: BAD_KEY,
  authentication_error: BAD_KEY,
  expiredtokenexception: "the session token or API key has expired; renew it",
  expiredtoken: "the session token or API key has expired; renew it",
  invalidsignatureexception: BAD_SIGNATURE,
  signaturedoesnotmatch: BAD_SIGNATURE,
  incompletesignature: BAD_SIGNATURE,
  incompletesignatureexception: BAD_SIGNATURE,
  requestexpired: BAD_SIGNATURE,
  resourcenotfoundexception: BAD_MODEL,
  not_found_error: BAD_MODEL,
  unknownoperationexception: "the address is not a Bedrock runtime's; correct the upstream's endpoint",
});

/** A wrong API key has the same exception as a missing permission; the message shows which it is. */
const OUR_KEY = /\bAPI key\b/i;

/** Patterns for a ValidationException whose cause is not the client's body. */
const OUR_VALIDATION: readonly [RegExp, string][] = [
  [/model identifier is invalid/i, BAD_MODEL],
  [/on-demand throughput/i, "the model needs an inference profile; name one (eu.…, us.…) in the model's target"],
  [/operation not allowed/i, NO_ACCESS],
];

/** Agents make their conversation shorter when they read these words, and only then (anthropics/claude-code#86507, #6012, #8637). */
const COMPACT_ON = "prompt is too long";
const TOO_LONG = /^input is too long\b|input (?:length )?exceeds the (?:model's )?(?:maximum )?context|too many total text bytes/i;

/** Throttling by tokens has these words, sometimes under another exception. It is not the same as a prompt that is too long. */
const THROTTLED = /too many (?:tokens|requests)\b/i;
const TO_WAIT = /\bwait/i;
const SHOWN_CHARACTERS = 2_000;

/** Bedrock's message in the body of a refusal, in any of its forms; "" where there is none. */
export function refusalWords(body: ByteText): string {
  const fields = errorFields(body);
  return asWords(asObject(fields?.error)?.message) ?? asWords(fields?.message) ?? asWords(fields?.Message) ?? "";
}

/** The failure for an HTTP status other than 200. */
export function bedrockFailure(place: ErrorContext, status: number, headers: HttpHeaders, body: ByteText): GatewayError {
  const fields = errorFields(body);
  const error = asObject(fields?.error);
  const name = asWords(error?.type) ?? asWords(headers.get("x-amzn-errortype")) ?? asWords(fields?.__type) ?? "";
  const message = refusalWords(body);
  return failure(place, { name: bareName(name), status, message, headers });
}

/** The failure for an exception frame, or for an error among a stream's events. */
export function bedrockException(place: ErrorContext, name: string, message: string): GatewayError {
  return failure(place, { name: bareName(name), status: 0, message, headers: new Map() });
}

/** The bare name of `com.amazon.coral.service#ThrottlingException:http://internal.amazon.com/…`. */
function bareName(name: string): string {
  return brief(name.replace(/:.*$/s, "").replace(/^.*#/s, "").trim());
}

/** Two searches: one pattern for both would search the rest of the message again after each match of its first part. */
function isThrottled(message: string): boolean {
  const at = message.search(THROTTLED);
  return at >= 0 && TO_WAIT.test(message.slice(at));
}

function failure(place: ErrorContext, { name, status, message, headers }: Failure): GatewayError {
  const key = name.toLowerCase();
  const kind = isThrottled(message) ? "upstream_rate_limited" : (KINDS.get(key) ?? byStatus(status));
  const cure = kind === "upstream_rate_limited" ? undefined : cureOf(key, kind, message);
  const what = `upstream "${place.upstream}", model "${place.upstreamModel}": ${[status || "in the stream", name].filter(Boolean).join(" ")}`;
  // AWS answers a bad signature with the request that it expected, session token included, so the message is not logged.
  if (cure !== undefined) return misconfigured(`${what}${cure === BAD_SIGNATURE || message === "" ? "" : `: ${brief(message)}`}; ${cure}`);
  const shown = message === "" ? undefined : message.slice(0, SHOWN_CHARACTERS);

  if (kind === "upstream_rejected") {
    const said = shown !== undefined && TOO_LONG.test(shown) && !shown.includes(COMPACT_ON) ? `${COMPACT_ON}: ${shown}` : shown;
    const detail: FailureDetail = { message: said ?? "The model's service refused the request.", log: what };
    if (status >= 400 && status < 500) detail.status = status;
    if (status === 413 || key === "request_too_large") Object.assign(detail, { type: "request_too_large", status: 413 });
    return new GatewayError(kind, detail);
  }
  const detail: FailureDetail = {
    message: shown ?? DEFAULT_MESSAGES[kind] ?? "The model's service failed.",
    log: `${what}${message && `: ${brief(message)}`}`,
  };
  // From a proxy in front of the service; its own status says more than ours.
  if (kind === "upstream_failed" && status === 502) detail.status = status;
  if (key === "servicequotaexceededexception") detail.log += "; raise this quota of the AWS account";
  // AWS itself gives no hint for a retry.
  if (kind === "upstream_rate_limited" || kind === "upstream_overloaded") {
    detail.retryAfterMs = retryAfterMs(headers, message, Date.now());
    detail.restMs = hintedMs(headers, message, Date.now());
    if (isUsedUp(detail.restMs, message)) detail.isFinal = true;
  }
  return new GatewayError(kind, detail);
}

const DEFAULT_MESSAGES: Partial<Record<ErrorKind, string>> = {
  upstream_rate_limited: "The model's service is receiving too many requests.",
  upstream_overloaded: "The model's service is overloaded.",
  upstream_timeout: "The model did not answer in time.",
};

function cureOf(key: string, kind: ErrorKind, message: string): string | undefined {
  const cure = CURES.get(key);
  if (cure === NO_ACCESS && OUR_KEY.test(message)) return BAD_KEY;
  if (cure !== undefined) return cure;
  if (kind === "upstream_rejected") return OUR_VALIDATION.find(([pattern]) => pattern.test(message))?.[1];
  return kind === "misconfigured" ? "check the upstream's endpoint, credentials and permissions" : undefined;
}

function byStatus(status: number): ErrorKind {
  if (status === 429) return "upstream_rate_limited";
  if (status === 503 || status === 529) return "upstream_overloaded";
  if (status === 408 || status === 504) return "upstream_timeout";
  if (status === 401 || status === 403 || status === 404 || status < 400) return status === 0 ? "upstream_failed" : "misconfigured";
  return status === 424 || status >= 500 ? "upstream_failed" : "upstream_rejected";
}

/** A Map, because the names come from an upstream and must not find members of `Object`. */
function table<T>(entries: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(entries));
}
