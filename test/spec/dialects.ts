/** The two protocols as their clients know them: what the sentences need in order to say the same thing of both. */
import { eventsOf, type ServerEvent } from "./client.ts";

/** An error as a client sees it. */
interface Told {
  type: unknown;
  message: string;
  param?: unknown;
  code?: unknown;
}

export interface Spoken {
  name: "anthropic" | "openai";
  /** Below the region's path. */
  route: string;
  /** The path in the region `eu`. */
  path: string;
  /** `model` in the catalogue of the specification, `claude-recorded` and the like. */
  family: string;
  body(prompt: string, more?: Record<string, unknown>): Record<string, unknown>;
  /** The text of a whole answer. */
  textOf(answer: string): string;
  /** The text of a stream. */
  streamedText(stream: string): string;
  /** True where the stream says by itself that it is complete. */
  isComplete(stream: string): boolean;
  /** The error of an answer; throws where it has not the dialect's shape. */
  error(answer: string): Told;
  /** The error event that ends a stream, or undefined. */
  streamedError(stream: string): Told | undefined;
  /** The names that kinds of failure have here: type and status. */
  errors: Record<Failure, { type: string; status: number; code?: string | null }>;
}

export type Failure =
  | "invalid"
  | "unauthenticated"
  | "not_found_route"
  | "not_found_region"
  | "not_found_model"
  | "not_allowed"
  | "too_large"
  | "rate_limited"
  | "overloaded"
  | "failed"
  | "timeout"
  | "unreachable"
  | "malformed"
  | "misconfigured";

type Json = Record<string, unknown>;

function parse(text: string): Json {
  return JSON.parse(text) as Json;
}

function told(value: unknown, keys: readonly string[], text: string): Told {
  const error = value as Told | undefined;
  if (typeof error !== "object" || error === null || typeof error.message !== "string" || keys.some((key) => !(key in error)))
    throw new Error(`not an error of this dialect: ${text.slice(0, 500)}`);
  return error;
}

function datas(stream: string): ServerEvent[] {
  return eventsOf(stream).filter(({ event }) => event !== ":");
}

const anthropic: Spoken = {
  name: "anthropic",
  route: "/v1/messages",
  path: "/anthropic/eu/v1/messages",
  family: "claude",
  body: (prompt, more) => ({ model: "claude", max_tokens: 4_096, messages: [{ role: "user", content: prompt }], ...more }),
  textOf: (answer) => (parse(answer).content as { type: string; text?: string }[]).map((block) => block.text ?? "").join(""),
  streamedText: (stream) =>
    datas(stream)
      .filter(({ event }) => event === "content_block_delta")
      .map(({ data }) => (parse(data).delta as { text?: string }).text ?? "")
      .join(""),
  isComplete: (stream) => datas(stream).some(({ event }) => event === "message_stop"),
  error(answer) {
    const body = parse(answer);
    if (body.type !== "error" || typeof body.request_id !== "string")
      throw new Error(`not an error of this dialect: ${answer.slice(0, 500)}`);
    return told(body.error, ["type", "message"], answer);
  },
  streamedError(stream) {
    const last = datas(stream).at(-1);
    return last?.event === "error" ? anthropic.error(last.data) : undefined;
  },
  errors: {
    invalid: { type: "invalid_request_error", status: 400 },
    unauthenticated: { type: "authentication_error", status: 401 },
    not_found_route: { type: "not_found_error", status: 404 },
    not_found_region: { type: "not_found_error", status: 404 },
    not_found_model: { type: "not_found_error", status: 404 },
    not_allowed: { type: "invalid_request_error", status: 405 },
    too_large: { type: "request_too_large", status: 413 },
    rate_limited: { type: "rate_limit_error", status: 429 },
    overloaded: { type: "overloaded_error", status: 529 },
    failed: { type: "api_error", status: 500 },
    timeout: { type: "timeout_error", status: 504 },
    unreachable: { type: "api_error", status: 502 },
    malformed: { type: "api_error", status: 502 },
    misconfigured: { type: "api_error", status: 502 },
  },
};

const openai: Spoken = {
  name: "openai",
  route: "/v1/chat/completions",
  path: "/openai/eu/v1/chat/completions",
  family: "gpt",
  body: (prompt, more) => ({ model: "gpt", messages: [{ role: "user", content: prompt }], ...more }),
  textOf: (answer) => (parse(answer).choices as { message: { content: string | null } }[])[0]?.message.content ?? "",
  streamedText: (stream) =>
    datas(stream)
      .filter(({ data }) => data !== "[DONE]")
      .map(({ data }) => (parse(data).choices as { delta: { content?: string | null } }[] | undefined)?.[0]?.delta.content ?? "")
      .join(""),
  isComplete: (stream) => datas(stream).at(-1)?.data === "[DONE]",
  error: (answer) => told(parse(answer).error, ["message", "type", "param", "code"], answer),
  streamedError(stream) {
    const last = datas(stream).at(-1);
    return last?.data.startsWith('{"error"') ? openai.error(last.data) : undefined;
  },
  errors: {
    invalid: { type: "invalid_request_error", status: 400 },
    unauthenticated: { type: "invalid_request_error", status: 401, code: "invalid_api_key" },
    not_found_route: { type: "invalid_request_error", status: 404, code: "unknown_url" },
    not_found_region: { type: "invalid_request_error", status: 404, code: "unknown_region" },
    not_found_model: { type: "invalid_request_error", status: 404, code: "model_not_found" },
    not_allowed: { type: "invalid_request_error", status: 405 },
    too_large: { type: "invalid_request_error", status: 413 },
    rate_limited: { type: "rate_limit_error", status: 429, code: "rate_limit_exceeded" },
    overloaded: { type: "service_unavailable_error", status: 503 },
    failed: { type: "server_error", status: 500 },
    timeout: { type: "server_error", status: 504 },
    unreachable: { type: "server_error", status: 502 },
    malformed: { type: "server_error", status: 502 },
    misconfigured: { type: "server_error", status: 502 },
  },
};

export const DIALECTS: readonly Spoken[] = [anthropic, openai];
export { anthropic, openai };
