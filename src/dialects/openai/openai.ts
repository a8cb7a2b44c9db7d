/** The OpenAI protocol: chat completions here, the other requests in files of their own. */

import type { ByteText } from "../../contract/bytes.ts";
import { Checker } from "../../contract/checker.ts";
import type { CallOperation, Checked, Dialect, ModelEntry, Route } from "../../contract/dialect.ts";
import { type ErrorKind, type ErrorName, GatewayError } from "../../contract/errors.ts";
import { readName, readRequest, textIn } from "../body.ts";
import { conversationByHead, firstContent, namedConversation } from "../conversation.ts";
import { errorObject, jsonText } from "../error-text.ts";
import { misroute, owns, type Paths } from "../misroute.ts";
import { bracketed, refusal } from "../problem.ts";
import { checkEmbeddings } from "./embeddings.ts";
import { checkResponses, responsesErrorEvent } from "./responses.ts";
import { chatSchema } from "./schema.ts";
import { CHAT_SHAPE, refuseOtherShape } from "./shape.ts";

/** Members that are read or edited; see `readRequest`. */
const SINGLE = new Set(
  "model messages stream stream_options max_tokens max_completion_tokens top_p n service_tier parallel_tool_calls tools store".split(" "),
);

/** Text in `hints` under `strict_parameters`. */
const STRICT = "strict";
const UNSUPPORTED = ["n", "service_tier", "parallel_tool_calls", "stream_options"] as const;

const YES = /^(?:true|1)$/i;
const NO_BODY = {};

/** Operations whose streams hold the events of a response. */
const STREAMS_RESPONSES: ReadonlySet<CallOperation> = new Set(["responses", "kept_answer"]);

const checker = new Checker(chatSchema);

/** The body as the schema has checked it; the last four members are not checked yet. */
interface ChatRequest {
  model: string;
  stream?: boolean | null;
  max_tokens?: number | null;
  max_completion_tokens?: number | null;
  n?: unknown;
  service_tier?: unknown;
  parallel_tool_calls?: unknown;
  stream_options?: unknown;
}

const routes: readonly Route[] = [
  { method: "POST", path: "/openai/:region/v1/chat/completions", operation: "generate" },
  { method: "POST", path: "/openai/:region/v1/responses", operation: "responses" },
  { method: "POST", path: "/openai/:region/v1/responses/compact", operation: "compact" },
  { method: "POST", path: "/openai/:region/v1/responses/input_tokens", operation: "count_tokens" },
  { method: "GET", path: "/openai/:region/v1/responses/:kept", operation: "kept_answer" },
  { method: "DELETE", path: "/openai/:region/v1/responses/:kept", operation: "kept_delete" },
  { method: "POST", path: "/openai/:region/v1/responses/:kept/cancel", operation: "kept_cancel" },
  { method: "GET", path: "/openai/:region/v1/responses/:kept/input_items", operation: "kept_input" },
  { method: "POST", path: "/openai/:region/v1/embeddings", operation: "embeddings" },
  { method: "GET", path: "/openai/:region/v1/models", operation: "models" },
  { method: "GET", path: "/openai/:region/v1/models/:model", operation: "model" },
];

const paths: Paths = {
  prefix: "/openai",
  routes,
  foreign: {
    // The first part: a client whose endpoint is "/openai/eu" asks for "/openai/eu/openai/deployments/…".
    pattern: /^\/openai\/(?:(?!deployments\/|openai\/)(?<region>[^/]+)\/)?(?:openai\/)?deployments\/[^/]+\/(?<tail>.+)$/,
    text: "/deployments/… is a path of the cloud's own client: use the plain OpenAI client, with the deployment's name as model",
  },
  unserved: {
    completions: "Text completions are not served: use …/v1/chat/completions.",
    messages: "Messages are not part of the OpenAI protocol: use a base URL of the form …/anthropic/{region} for them.",
  },
  baseUrl: "The base URL of OpenAI clients ends with /v1: …/openai/{region}/v1.",
};

const errorNames: Readonly<Record<ErrorKind, ErrorName>> = {
  invalid_request: { type: "invalid_request_error" },
  unsupported_parameter: { type: "invalid_request_error", code: "unsupported_parameter" },
  unauthenticated: { type: "invalid_request_error", code: "invalid_api_key" },
  unknown_route: { type: "invalid_request_error", code: "unknown_url" },
  unknown_region: { type: "invalid_request_error", code: "unknown_region" },
  unknown_model: { type: "invalid_request_error", code: "model_not_found" },
  method_not_allowed: { type: "invalid_request_error", code: "method_not_supported" },
  too_large: { type: "invalid_request_error", code: "request_too_large" },
  body_timeout: { type: "invalid_request_error", code: "request_timeout" },
  deadline_exceeded: { type: "server_error", code: "deadline_exceeded" },
  rate_limited_requests: { type: "requests", code: "rate_limit_exceeded" },
  rate_limited_tokens: { type: "tokens", code: "rate_limit_exceeded" },
  too_many_tokens: { type: "tokens", code: "rate_limit_exceeded" },
  limiter_unavailable: { type: "service_unavailable_error" },
  upstream_rejected: { type: "invalid_request_error" },
  upstream_rate_limited: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  upstream_overloaded: { type: "service_unavailable_error", code: "server_is_overloaded" },
  upstream_failed: { type: "server_error" },
  upstream_timeout: { type: "server_error", code: "upstream_timeout" },
  upstream_unreachable: { type: "server_error", code: "upstream_unreachable" },
  upstream_malformed: { type: "server_error", code: "upstream_malformed" },
  misconfigured: { type: "server_error" },
  overloaded: { type: "service_unavailable_error", code: "server_is_overloaded" },
  worker_lost: { type: "server_error" },
  draining: { type: "service_unavailable_error", code: "server_is_overloaded" },
  internal: { type: "server_error" },
  cancelled: { type: "server_error" },
};

export const openai: Dialect = {
  name: "openai",
  upstream: "openai",
  translation: undefined,
  routes,
  errorNames,
  rateLimitPrefix: undefined,
  keepAlive: ": ping\n\n",

  hints: (_headers, strict) => (strict ? STRICT : ""),

  check(body, hints, operation): Checked {
    const check = checks[operation];
    if (check === undefined) throw new GatewayError("unknown_route", { message: "The OpenAI protocol has no such request." });
    return check(body, hints.startsWith(STRICT));
  },

  conversation(request) {
    const { prompt_cache_key: cacheKey, user, messages, instructions, input } = request as Record<string, unknown>;
    const named = namedConversation(cacheKey, user);
    if (named !== undefined) return named;
    if (messages !== undefined) {
      const system = firstContent(messages, "system") ?? firstContent(messages, "developer");
      return conversationByHead(system, firstContent(messages, "user"));
    }
    return conversationByHead(instructions, firstContent(input, "user") ?? input);
  },

  user: (request) => textIn(request, "safety_identifier") || textIn(request, "user"),

  errorBody(error) {
    return errorText(error);
  },

  errorEvent(error, _requestId, operation) {
    return STREAMS_RESPONSES.has(operation) ? responsesErrorEvent(errorFields(error), error.detail.body) : `data: ${errorText(error)}\n\n`;
  },

  tokenCount: (inputTokens) => jsonText({ object: "response.input_tokens", input_tokens: inputTokens }),

  models(entries) {
    // Codex looks for `models`, whose entries have many members that only Codex knows. Where this list is empty, Codex uses its own.
    return jsonText({ object: "list", data: entries.map(modelInfo), models: [] });
  },

  model(entry) {
    return jsonText(modelInfo(entry));
  },

  owns: (path) => owns(paths, path),
  misroute: (path) => misroute(paths, path),
  speaks: (headers) => headers.has("openai-organization") || headers.has("openai-project") || headers.has("openai-beta"),
};

const checks: Partial<Record<CallOperation, (body: ByteText, strict: boolean) => Checked>> = {
  generate: checkChat,
  responses: checkResponses,
  compact: checkResponses,
  count_tokens: checkResponses,
  embeddings: checkEmbeddings,
  kept_answer: checkKept,
  kept_input: checkKeptWhole,
  kept_delete: checkKeptWhole,
  kept_cancel: checkKeptWhole,
};

function checkChat(body: ByteText, strict: boolean): Checked {
  refuseOtherShape(body, CHAT_SHAPE);
  const request = readRequest<ChatRequest>(body, checker, SINGLE, bracketed);
  if (strict) refuseAll(request);
  checkUnsupported(request);
  return {
    model: readName(body, "model", request.model),
    stream: request.stream === true,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? 0,
    request,
  };
}

/**
 * A question about a response that the upstream keeps: the response's id and the query after it. Source: the types of openai 7.57.
 * @param question - `resp_1?stream=true&starting_after=42`
 */
function checkKept(question: ByteText): Checked {
  const at = question.indexOf("?");
  const query = new URLSearchParams(at < 0 ? "" : question.slice(at));
  const after = query.get("starting_after");
  if (after !== null && !/^\d{1,15}$/.test(after)) throw refusal("invalid_request", "starting_after", "expected the number of an event");
  const limit = query.get("limit");
  if (limit !== null && !/^(?:[1-9]\d?|100)$/.test(limit)) throw refusal("invalid_request", "limit", "expected a number from 1 to 100");
  return { model: "", stream: YES.test(query.get("stream") ?? ""), maxTokens: 0, request: NO_BODY };
}

/** The same for a question whose answer is never a stream. */
function checkKeptWhole(question: ByteText): Checked {
  return { ...checkKept(question), stream: false };
}

/** Under `strict_parameters` exactly the documented requests are allowed. */
function refuseAll(request: ChatRequest): void {
  for (const name of UNSUPPORTED) {
    if (Object.hasOwn(request, name)) throw refusal("unsupported_parameter", name, "is not supported");
  }
}

/** The four parameters that are documented as unsupported. Values that ask for nothing special are allowed, since clients send them by default. */
function checkUnsupported({ n, service_tier, parallel_tool_calls, stream_options }: ChatRequest): void {
  if (!oneOf(n, 1)) throw refusal("unsupported_parameter", "n", "only 1 answer per request is supported");
  if (!oneOf(service_tier, "auto", "default"))
    throw refusal("unsupported_parameter", "service_tier", 'only "auto" and "default" are supported');
  if (!oneOf(parallel_tool_calls, true, false))
    throw refusal("unsupported_parameter", "parallel_tool_calls", "only true and false are supported");
  if (stream_options === undefined || stream_options === null) return;
  if (typeof stream_options !== "object" || Array.isArray(stream_options)) {
    throw refusal("unsupported_parameter", "stream_options", "only an object with include_usage is supported");
  }
  for (const [name, value] of Object.entries(stream_options)) {
    const where = `stream_options.${name.slice(0, 40)}`;
    if (name !== "include_usage" && value !== null) throw refusal("unsupported_parameter", where, "is not supported");
    if (name === "include_usage" && !oneOf(value, true, false))
      throw refusal("unsupported_parameter", where, "only true and false are supported");
  }
}

function oneOf(value: unknown, ...accepted: unknown[]): boolean {
  return value === undefined || value === null || accepted.includes(value);
}

function errorText(error: GatewayError): ByteText {
  return `{"error":${errorObject(errorFields(error), error.detail.body)}}`;
}

function errorFields({ kind, detail }: GatewayError) {
  const { type, code } = errorNames[kind];
  return { message: detail.message, type: detail.type ?? type, param: detail.param ?? null, code: detail.code ?? code ?? null };
}

function modelInfo({ id, created }: ModelEntry) {
  return { id, object: "model", created, owned_by: "weir" };
}
