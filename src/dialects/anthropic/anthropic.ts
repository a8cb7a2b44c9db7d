/** The Anthropic Messages protocol, in both of its versions. */
import type { ByteText } from "../../contract/bytes.ts";
import { Checker } from "../../contract/checker.ts";
import type { CallOperation, Checked, Dialect, ModelEntry, Route } from "../../contract/dialect.ts";
import { type ErrorKind, type ErrorName, GatewayError } from "../../contract/errors.ts";
import { secondText } from "../../contract/moment.ts";
import { isObject } from "../../contract/objects.ts";
import { LARGEST_PAGE, type Page, pageBefore, pageFrom, pageLimit } from "../../contract/paging.ts";
import { readName, readRequest, textIn } from "../body.ts";
import { conversationByHead, firstContent, namedConversation } from "../conversation.ts";
import { errorObject, jsonText } from "../error-text.ts";
import { misroute, owns, type Paths } from "../misroute.ts";
import { dotted, refusal } from "../problem.ts";
import { messagesSchema } from "./schema.ts";

/** The older version of the protocol; the newer one takes no sampling parameters. */
const CLASSIC = "2023-06-01";
const CURRENT = "2026-10-21";

/** Models on a page, where the client asks for no number. */
const USUAL_PAGE = 20;

/** The end of a model's name by which Claude Code asks for a context of a million tokens; the provider sees it in the body. */
export const MILLION = /\[1m\]$/i;

/** Members that are read or edited; see `readRequest`. */
const SINGLE = new Set(
  "model messages max_tokens stream system tools temperature top_p top_k thinking anthropic_version anthropic_beta".split(" "),
);

const checkers: Partial<Record<CallOperation, Checker>> = {
  generate: new Checker(messagesSchema("required")),
  count_tokens: new Checker(messagesSchema("optional")),
};

/** The body as the schemas have checked it, with the members that the rules below need. */
interface MessagesRequest {
  model: string;
  messages: { role: string; content: string | { type: string; citations?: readonly unknown[] | null }[]; output_config?: object | null }[];
  max_tokens?: number | null;
  stream?: boolean;
  temperature?: number;
  top_p?: number;
  top_k?: number;
}

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

  check(body, hints, operation): Checked {
    const checker = checkers[operation];
    if (checker === undefined) throw new GatewayError("unknown_route", { message: "The Anthropic protocol has no such request." });
    const { version } = readHints(hints);
    if (version !== CLASSIC && version !== CURRENT) {
      throw refusal("invalid_request", "anthropic-version", `must be "${CLASSIC}" or "${CURRENT}"`);
    }
    const request = readRequest<MessagesRequest>(body, checker, SINGLE, dotted);
    checkConversation(request);
    if (version === CURRENT) checkCurrent(request);
    const model = readName(body, "model", request.model).replace(MILLION, "");
    return { model, stream: request.stream === true, maxTokens: request.max_tokens ?? 0, request };
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

/** Source: platform.claude.com, "Mid-conversation system messages", limitations. */
function checkConversation({ messages }: MessagesRequest): void {
  // A `system` message without content sets the effort of the following turns, and may be anywhere.
  const isSetting = ({ role, content, output_config }: MessagesRequest["messages"][number]) =>
    role === "system" && content.length === 0 && isObject(output_config);
  const first = messages.findIndex((message) => !isSetting(message));
  const role = messages[first]?.role;
  if (role !== "user") {
    const hint = role === "system" ? '; a system prompt goes into the top-level field "system"' : "";
    throw refusal("invalid_request", `messages.${Math.max(first, 0)}.role`, `the first message must have the role "user"${hint}`);
  }
  const last = messages.length - 1;
  const empty = messages.findIndex(
    (message, index) => message.content.length === 0 && !(index === last && message.role === "assistant") && !isSetting(message),
  );
  if (empty >= 0) {
    throw refusal("invalid_request", `messages.${empty}.content`, "must not be empty, except in a final assistant message");
  }
}

/** Rules of the newer version. Source: the vendor's migration notes, platform.claude.com/docs/en/api/migration-2026-10-21. */
function checkCurrent(request: MessagesRequest): void {
  for (const name of ["temperature", "top_p", "top_k"] as const) {
    if (request[name] === undefined) continue;
    throw refusal(
      "invalid_request",
      name,
      `is not taken under anthropic-version ${CURRENT}; leave it out, or send anthropic-version ${CLASSIC}`,
    );
  }
  for (const [index, { role, content }] of request.messages.entries()) {
    if (typeof content === "string") continue;
    for (const [position, block] of content.entries()) {
      const where = `messages.${index}.content.${position}`;
      if (role === "assistant" && block.type === "document") {
        throw refusal(
          "invalid_request",
          `${where}.type`,
          `a document cannot be in an assistant message under anthropic-version ${CURRENT}`,
        );
      }
      if (role === "user" && block.type === "text" && (block.citations?.length ?? 0) > 0) {
        throw refusal("invalid_request", `${where}.citations`, `must be empty in a user message under anthropic-version ${CURRENT}`);
      }
    }
  }
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
