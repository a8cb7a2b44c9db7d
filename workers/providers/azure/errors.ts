/** Azure OpenAI's errors as a GatewayError. Source: learn.microsoft.com, "Troubleshoot common HTTP errors for Azure OpenAI". */
import { type ByteText, encodeUtf8 } from "../../../src/contract/bytes.ts";
import { CALLS, type CallOperation } from "../../../src/contract/dialect.ts";
import { GatewayError } from "../../../src/contract/errors.ts";
import { memberValue } from "../../../src/contract/json.ts";
import type { HttpHeaders } from "../../wire/http.ts";
import { asObject, asWords, brief, errorFields, hintedMs, isUsedUp, misconfigured, retryAfterMs } from "../failure.ts";
import { wrongRoute } from "./takes.ts";

/** Where an error happened, for the log; all are names from the configuration. */
export interface ErrorContext {
  upstream: string;
  deployment: string;
  /** The model as the client named it. */
  model?: string;
  operation?: CallOperation;
}

const BAD_ADDRESS = "this is not the address of an Azure OpenAI resource; correct the upstream's endpoint";

/** Statuses whose cause is the operator's set-up and not the client's request, with the cure. */
const CURES: Readonly<Record<number, string>> = {
  301: BAD_ADDRESS,
  302: BAD_ADDRESS,
  307: BAD_ADDRESS,
  308: BAD_ADDRESS,
  401: "the key or token was refused; check credentials, scope and that the endpoint is the resource's own",
  403: "access was refused; check the role of the identity (Cognitive Services OpenAI User), the network rules, and that the resource is not suspended",
  404: "there is no such deployment, or not under this endpoint and api version; correct the model's target (it names the deployment)",
  405: BAD_ADDRESS,
};

/** Patterns for a 400 whose cause is not the client's body. */
const OUR_REQUEST: readonly [RegExp, string][] = [
  [
    /api version not supported|enabled only for api versions/i,
    "the model needs another api version; correct the upstream's api (v1 serves them all)",
  ],
  [
    /operation does not work with the specified model/i,
    "the deployment's model does not take this kind of request; name a deployment that does in the model's target",
  ],
];

/** Reasoning is sealed by the resource that made it; no other resource can open it. Source: openai-agents-python#2063. */
const ELSEWHERE: ReadonlySet<string> = new Set(["invalid_encrypted_content"]);

/** A refusal of one of two routes: models differ in their routes, so it is not a fault of the deployment. */
const OTHER_ROUTE = /operation does not work with the specified model|operation is unsupported/i;

/** Azure's message in the body of a refusal; "" where there is none. */
export function refusalWords(body: ByteText): string {
  const fields = errorFields(body);
  return asWords(asObject(fields?.error)?.message) ?? asWords(fields?.message) ?? "";
}

/** The failure for an HTTP status other than 200. */
export function azureFailure(place: ErrorContext, status: number, headers: HttpHeaders, body: ByteText, nowMs: number): GatewayError {
  const error = asObject(errorFields(body)?.error);
  const message = refusalWords(body);
  const code = asWords(error?.code);
  const what = `upstream "${place.upstream}", deployment "${place.deployment}": status ${status}${code === undefined || code === String(status) ? "" : ` ${brief(code)}`}`;
  // The message about a refused key may quote the key, so it is not logged.
  const log = status === 401 || message === "" ? what : `${what}: ${brief(message)}`;
  if (status === 400 && OTHER_ROUTE.test(message) && place.model !== undefined) {
    if (place.operation === "generate") return wrongRoute(place.model, "routes.chat", message);
    if (place.operation === "responses") return wrongRoute(place.model, "routes.responses", message);
  }
  // The answer was deleted, or is older than answers are kept.
  if (status === 404 && place.operation !== undefined && CALLS[place.operation].kept && code !== "DeploymentNotFound")
    return new GatewayError("upstream_rejected", {
      message: "The response is not kept any more.",
      type: asWords(error?.type) ?? "invalid_request_error",
      status,
      log: what,
    });
  // A 404 that names a parameter is about something that the client referred to, not about the deployment.
  const isClients = status === 404 && asWords(error?.param) !== undefined && code !== "DeploymentNotFound";
  const cure = isClients
    ? undefined
    : (CURES[status] ?? (status === 400 ? OUR_REQUEST.find(([words]) => words.test(message))?.[1] : undefined));
  if (cure !== undefined) return misconfigured(`${log}; ${cure}`);
  if (status === 429) {
    const restMs = hintedMs(headers, message, nowMs);
    return new GatewayError("upstream_rate_limited", {
      message: "The model's service is at its own limit at this moment. Please try again.",
      retryAfterMs: retryAfterMs(headers, message, nowMs),
      restMs,
      isFinal: isUsedUp(restMs, message) ? true : undefined,
      log,
    });
  }
  if (status === 408 || status === 504) return new GatewayError("upstream_timeout", { message: "The model did not answer in time.", log });
  if (status === 503)
    return new GatewayError("upstream_overloaded", {
      message: "The model is overloaded at this moment. Please try again.",
      restMs: hintedMs(headers, message, nowMs),
      log,
    });
  if (status >= 500) {
    const message = "The model's service failed. Please try again.";
    return new GatewayError("upstream_failed", { message, status: status === 502 ? status : undefined, log });
  }
  // The message about a client's mistake may quote the prompt, so it is not logged.
  if (status >= 400) return rejected(status, error, message, errorObject(body), what);
  return new GatewayError("upstream_malformed", { message: "The model's service sent an answer that cannot be read.", log });
}

/** Codes of errors that only the client can mend, in an HTTP error and in a stream. */
const CLIENTS_CODES: ReadonlySet<string> = new Set(["content_filter", "context_length_exceeded", "invalid_prompt"]);

/** The failure for an error event in a stream. `json`: the data of the event. */
export function azureStreamError(place: ErrorContext, json: ByteText): GatewayError {
  const fields = errorFields(json);
  // In a stream of responses the fields are members of the event itself.
  const error = asObject(fields?.error) ?? fields;
  const code = asWords(error?.code) ?? "";
  const log = `upstream "${place.upstream}", deployment "${place.deployment}": error event ${brief(code)}`;
  const overloaded = code === "503" || /overloaded|slow_down/.test(code);
  const limited = code === "429" || /rate_limit/.test(code);
  const message = asWords(error?.message) ?? "The model's service failed.";
  const detail = { message, code: asWords(error?.code), param: asWords(error?.param), body: errorObject(json), log };
  // SDKs repeat a 500, and the same prompt would be filtered, or be too long, again.
  if (CLIENTS_CODES.has(code)) return new GatewayError("upstream_rejected", { ...detail, type: asWords(error?.type), status: 400 });
  if (limited) {
    const headers = new Map();
    const restMs = hintedMs(headers, message, Date.now());
    const isFinal = isUsedUp(restMs, message) ? true : undefined;
    return new GatewayError("upstream_rate_limited", {
      ...detail,
      retryAfterMs: retryAfterMs(headers, message, Date.now()),
      restMs,
      isFinal,
    });
  }
  return new GatewayError(overloaded ? "upstream_overloaded" : "upstream_failed", detail);
}

/** The client's own mistake, with Azure's message and fields; the dialect fills in missing fields. */
function rejected(
  status: number,
  error: Record<string, unknown> | undefined,
  message: string,
  body: ByteText | undefined,
  log: string,
): GatewayError {
  return new GatewayError("upstream_rejected", {
    message: message === "" ? "The model's service refused the request." : message,
    param: asWords(error?.param),
    code: asWords(error?.code),
    type: asWords(error?.type),
    status,
    elsewhere: ELSEWHERE.has(asWords(error?.code) ?? "") ? true : undefined,
    body,
    log,
  });
}

/**
 * Most characters of an error object that is passed on whole. Of a larger one only the message is passed on, because the front's thread would have to
 * read and write it again.
 */
const MOST_SHOWN = 16 * 1024;

/** The text of the error object, where it has a message. */
function errorObject(body: ByteText): ByteText | undefined {
  const fields = errorFields(body);
  const error = asObject(fields?.error);
  if (error !== undefined) {
    const shown = asWords(error.message) === undefined ? undefined : memberValue(body, "error");
    return shown !== undefined && shown.length <= MOST_SHOWN ? shown : undefined;
  }
  const message = asWords(fields?.message);
  return message === undefined ? undefined : encodeUtf8(JSON.stringify({ message }));
}
