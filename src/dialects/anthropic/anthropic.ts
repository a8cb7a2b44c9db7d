/** The Anthropic Messages protocol, in both of its versions. */
import type { ByteText } from "../../contract/bytes.ts";
import type { Dialect, ModelEntry, Route } from "../../contract/dialect.ts";
import type { ErrorKind, ErrorName, GatewayError } from "../../contract/errors.ts";
import { secondText } from "../../contract/moment.ts";
import { isObject } from "../../contract/objects.ts";
import { LARGEST_PAGE, type Page, pageBefore, pageFrom, pageLimit } from "../../contract/paging.ts";
import { refusal, textIn } from "../body.ts";
import { conversationByHead, firstContent, namedConversation } from "../conversation.ts";
import { errorObject, jsonText } from "../error-text.ts";
import { misroute, owns, type Paths } from "../misroute.ts";

/** The older version of the protocol; the newer one takes no sampling parameters. */
export const CLASSIC = "2023-06-01";
export const CURRENT = "2026-10-21";

/** Models on a page, where the client asks for no number. */
const USUAL_PAGE = 20;

/** The end of a model's name by which Claude Code asks for a context of a million tokens; the provider sees it in the body. */
export const MILLION = /\[1m\]$/i;

const routes: readonly Route[] = ["/anthropic/:region/v1", "/api/anthropic/v1"].flatMap((base): Route[] => [
  { method: "POST", path: `${base}/messages`, operation: "generate" },
  { method: "POST", path: `${base}/messages/count_tokens`, operation: "count_tokens" },
  { method: "GET", path: `${base}/models`, operation: "models" },
  { method: "GET", path: `${base}/models/:model`, operation: "model" },
]);

const paths: Paths = {
  prefix: "/anthropic",
  routes,
  unserved: {
    "chat/completions":
      "Chat completions are not part of the Anthropic protocol: use a base URL of the form …/openai/{region}/v1 for them.",
    responses: "The Responses API is not part of the Anthropic protocol: send Messages requests to …/v1/messages.",
    complete: "Text Completions are retired: use …/v1/messages.",
    "messages/batches": "Message Batches are not served here: send single requests to …/v1/messages.",
    files: "The Files API is not served here: put the content into the request as base64.",
  },
  baseUrl:
    "The base URL of the Anthropic SDKs ends before /v1 (…/anthropic/{region}); that of the Vercel AI SDK ends with it (…/anthropic/{region}/v1).",
};

const errorNames: Readonly<Record<ErrorKind, ErrorName>> = {
  invalid_request: { type: "invalid_request_error" },
  unsupported_parameter: { type: "invalid_request_error" },
  unauthenticated: { type: "authentication_error" },
  unknown_route: { type: "not_found_error" },
  unknown_region: { type: "not_found_error" },
  unknown_model: { type: "not_found_error" },
  method_not_allowed: { type: "invalid_request_error" },
  too_large: { type: "request_too_large" },
  body_timeout: { type: "invalid_request_error" },
  deadline_exceeded: { type: "timeout_error" },
  rate_limited_requests: { type: "rate_limit_error" },
  rate_limited_tokens: { type: "rate_limit_error" },
  too_many_tokens: { type: "request_too_large" },
  limiter_unavailable: { type: "api_error" },
  upstream_rejected: { type: "invalid_request_error" },
  upstream_rate_limited: { type: "rate_limit_error" },
  upstream_overloaded: { type: "overloaded_error", status: 529 },
  upstream_failed: { type: "api_error" },
  upstream_timeout: { type: "timeout_error" },
  upstream_unreachable: { type: "api_error" },
  upstream_malformed: { type: "api_error" },
  misconfigured: { type: "api_error" },
  overloaded: { type: "overloaded_error", status: 529 },
  worker_lost: { type: "api_error" },
  draining: { type: "overloaded_error" },
  internal: { type: "api_error" },
  cancelled: { type: "api_error" },
};

export const anthropic: Dialect = {
  name: "anthropic",
  upstream: "anthropic",
  translation: undefined,
  routes,
  errorNames,
  rateLimitPrefix: "anthropic-ratelimit",
  keepAlive: 'event: ping\ndata: {"type": "ping"}\n\n',

  hints(headers) {
    const betas = (headers.get("anthropic-beta") ?? "").split(",").map((beta) => beta.trim());
    return `${headers.get("anthropic-version")?.trim() || CLASSIC}\n${betas.filter((beta) => beta !== "").join(",")}`;
  },

  conversation(request) {
    const { metadata, system, messages } = request as Record<string, unknown>;
    const named = namedConversation(isObject(metadata) ? metadata.user_id : undefined);
    return named ?? conversationByHead(system, firstContent(messages, "user"));
  },

  user(request) {
    const { metadata } = request as Record<string, unknown>;
    return isObject(metadata) ? textIn(metadata, "user_id") : "";
  },

  errorBody(error, requestId) {
    return errorText(error, requestId);
  },

  errorEvent(error, requestId) {
    return `event: error\ndata: ${errorText(error, requestId)}\n\n`;
  },

  tokenCount: (inputTokens) => jsonText({ input_tokens: inputTokens }),

  models(entries, query) {
    const { page, hasMore } = pageOf(entries, query);
    const data = page.map(modelInfo);
    return jsonText({ data, has_more: hasMore, first_id: data.at(0)?.id ?? null, last_id: data.at(-1)?.id ?? null });
  },

  model(entry) {
    return jsonText(modelInfo(entry));
  },

  owns: (path) => owns(paths, path),
  misroute: (path) => misroute(paths, path),
  speaks: (headers) => headers.has("anthropic-version") || headers.has("anthropic-beta") || headers.has("x-api-key"),
};

/** Reads what `hints` wrote: the API version of the client, and the betas it asks for. */
export function readHints(hints: string): { version: string; betas: string[] } {
  const [version = "", betas = ""] = hints.split("\n");
  return { version, betas: betas === "" ? [] : betas.split(",") };
}

/**
 * One page of the list of models. `hasMore`: whether entries follow the page, or (with `before_id`) come before it. Source: the pager of
 * @anthropic-ai/sdk 1.12, and the vendor's reference.
 * @throws GatewayError `invalid_request` for a limit out of range, an id that is not in the list, and both ids at once
 */
function pageOf(entries: readonly ModelEntry[], query: URLSearchParams): Page<ModelEntry> {
  const limit = pageLimit(query, USUAL_PAGE);
  if (limit === undefined) throw refusal("invalid_request", "limit", `must be an integer from 1 to ${LARGEST_PAGE}`);
  const after = query.get("after_id");
  const before = query.get("before_id");
  if (after !== null && before !== null) throw refusal("invalid_request", "before_id", "cannot be sent together with after_id");
  if (before !== null) return pageBefore(entries, indexOf(entries, "before_id", before), limit);
  return pageFrom(entries, after === null ? 0 : indexOf(entries, "after_id", after) + 1, limit);
}

function indexOf(entries: readonly ModelEntry[], name: string, id: string): number {
  const index = entries.findIndex((entry) => entry.id === id);
  if (index < 0) throw refusal("invalid_request", name, "must be the id of a model of this list");
  return index;
}

function errorText({ kind, detail }: GatewayError, requestId: string): ByteText {
  const type = detail.type ?? errorNames[kind].type;
  return `{"type":"error","error":${errorObject({ type, message: detail.message }, detail.body)},"request_id":${jsonText(requestId)}}`;
}

function modelInfo({ id, created }: ModelEntry) {
  return { type: "model", id, display_name: id, created_at: secondText(created * 1000) };
}
