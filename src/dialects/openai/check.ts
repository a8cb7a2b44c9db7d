/** Checks requests of the OpenAI protocol: chat completions and questions about kept responses here, the others in their own files. */
import type { ByteText } from "../../contract/bytes.ts";
import { Checker } from "../../contract/checker.ts";
import type { CallOperation, Check, Checked } from "../../contract/dialect.ts";
import { GatewayError } from "../../contract/errors.ts";
import { readName, refusal } from "../body.ts";
import { bracketed, readRequest } from "../problem.ts";
import { checkEmbeddings } from "./embeddings.ts";
import { STRICT } from "./openai.ts";
import { checkResponses } from "./responses.ts";
import { chatSchema } from "./schema.ts";
import { CHAT_SHAPE, refuseOtherShape } from "./shape.ts";

/** Members that are read or edited; see `readRequest`. */
const SINGLE = new Set(
  "model messages stream stream_options max_tokens max_completion_tokens top_p n service_tier parallel_tool_calls tools store".split(" "),
);

const YES = /^(?:true|1)$/i;
const NO_BODY = {};

const UNSUPPORTED = ["n", "service_tier", "parallel_tool_calls", "stream_options"] as const;

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

export const checkOpenai: Check = (body, hints, operation) => {
  const check = checks[operation];
  if (check === undefined) throw new GatewayError("unknown_route", { message: "The OpenAI protocol has no such request." });
  return check(body, hints.startsWith(STRICT));
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
