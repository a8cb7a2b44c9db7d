/** The OpenAI protocol. Its requests are checked in other files. */

import type { ByteText } from "../../contract/bytes.ts";
import type { CallOperation, Dialect, ModelEntry, Route } from "../../contract/dialect.ts";
import type { ErrorKind, ErrorName, GatewayError } from "../../contract/errors.ts";
import { textIn } from "../body.ts";
import { conversationByHead, firstContent, namedConversation } from "../conversation.ts";
import { errorObject, jsonText } from "../error-text.ts";
import { misroute, owns, type Paths } from "../misroute.ts";

/** Text in `hints` under `strict_parameters`. */
export const STRICT = "strict";

/** Operations whose streams hold the events of a response. */
const STREAMS_RESPONSES: ReadonlySet<CallOperation> = new Set(["responses", "kept_answer"]);

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

interface ErrorFields {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

/**
 * An error on a stream of responses. Clients differ in where they look: some want the fields at the top, some under `error`, and one (the Vercel
 * AI SDK 5) takes no event whose code is null. A number must be there, but no client reads it, and only the upstream knows the number of its last
 * event.
 * @param upstream the upstream's own error object
 */
function responsesErrorEvent({ message, type, param, code }: ErrorFields, upstream: ByteText | undefined): ByteText {
  const named = code ?? type;
  const event = jsonText({ type: "error", sequence_number: 0, code: named, message, param });
  return `event: error\ndata: ${event.slice(0, -1)},"error":${errorObject({ message, type, param, code: named }, upstream)}}\n\n`;
}
