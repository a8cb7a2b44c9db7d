/** Refusals with Azure's own messages, in its various forms: wire.md §2.5. */
import { Buffer } from "node:buffer";
import type { Reply } from "../delivery.ts";
import type { Failure } from "../directives.ts";

export class AzureError extends Error {
  readonly status: number;
  readonly fields: Record<string, unknown>;

  constructor(status: number, message: string, fields: Record<string, unknown> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

export function invalid(message: string, param: string | null, code: string | null = null): AzureError {
  return new AzureError(400, message, { type: "invalid_request_error", param, code });
}

const FILTERED = { filtered: true, severity: "high" };
const SAFE = { filtered: false, severity: "safe" };

export function filtered(isV1: boolean): AzureError {
  const message =
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.";
  const verdict = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: FILTERED };
  return isV1
    ? new AzureError(400, message, {
        type: "invalid_request_error",
        param: "prompt",
        code: "content_filter",
        content_filters: [{ blocked: true, source_type: "prompt", content_filter_results: verdict }],
        innererror: { code: "ContentFiltered" },
      })
    : new AzureError(400, message, {
        type: null,
        param: "prompt",
        code: "content_filter",
        status: 400,
        innererror: { code: "ResponsibleAIPolicyViolation", content_filter_result: verdict },
      });
}

const USUAL: Readonly<Record<number, { code: string; message: string }>> = {
  400: { code: "BadRequest", message: "The request was not valid." },
  401: {
    code: "401",
    message:
      "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an active subscription.",
  },
  403: { code: "403", message: "Access denied due to Virtual Network/Firewall rules." },
  404: {
    code: "DeploymentNotFound",
    message:
      "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, please wait a moment and try again.",
  },
  408: { code: "Timeout", message: "The operation was timeout." },
  429: { code: "429", message: "" },
  500: { code: "InternalServerError", message: "The server had an error while processing your request. Sorry about that!" },
  503: { code: "503", message: "System is experiencing high demand. Please try again later." },
};

/** The answer for a failure that a directive asks for. */
export function azureFailure({ status, type, retryAfter }: Failure): { error: AzureError; headers: Record<string, string> } {
  if (type === "too-long") {
    const message =
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.";
    return { error: invalid(message, "messages", "context_length_exceeded"), headers: {} };
  }
  const actual = status === 0 ? 500 : status;
  const { code, message } = USUAL[actual] ?? { code: String(actual), message: "An error occurred." };
  if (actual !== 429) return { error: new AzureError(actual, message, { code }), headers: {} };
  const text = `Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after ${retryAfter} seconds.`;
  const headers = retryAfter > 0 ? { "retry-after": String(retryAfter), "retry-after-ms": String(retryAfter * 1000) } : undefined;
  return { error: new AzureError(429, text, { code }), headers: headers ?? {} };
}

export function azureErrorReply(error: AzureError, headers: Record<string, string>): Reply {
  return {
    status: error.status,
    headers: { "content-type": "application/json", ...headers },
    content: { body: Buffer.from(JSON.stringify({ error: { message: error.message, ...error.fields } })) },
    tokens: 0,
  };
}
