/** Refusals in Azure's own words. Sources: github MicrosoftDocs/azure-ai-docs, and reports of refused requests. */
import { Buffer } from "node:buffer";
import type { Failure } from "../behaviour.ts";
import type { Reply } from "../delivery.ts";

/** An HTTP error as the answer of the service; `fields` are the members of `error` beside its message. */
export class Refusal extends Error {
  readonly status: number;
  readonly fields: Record<string, unknown>;

  constructor(status: number, message: string, fields: Record<string, unknown> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

export function invalid(message: string, param: string | null, code: string | null = null): Refusal {
  return new Refusal(400, message, { type: "invalid_request_error", param, code });
}

const FILTERED = { filtered: true, severity: "high" };
const SAFE = { filtered: false, severity: "safe" };

/** The refusal of a prompt by the content filter. The v1 API and the dated ones give it different forms. */
export function filtered(isV1: boolean): Refusal {
  const message =
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify your prompt and retry.";
  const verdict = { hate: SAFE, self_harm: SAFE, sexual: SAFE, violence: FILTERED };
  return isV1
    ? new Refusal(400, message, {
        type: "invalid_request_error",
        param: "prompt",
        code: "content_filter",
        content_filters: [{ blocked: true, source_type: "prompt", content_filter_results: verdict }],
        innererror: { code: "ContentFiltered" },
      })
    : new Refusal(400, message, {
        type: null,
        param: "prompt",
        code: "content_filter",
        status: 400,
        innererror: { code: "ResponsibleAIPolicyViolation", content_filter_result: verdict },
      });
}

/** The code and the message that a status usually has. */
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
  500: { code: "InternalServerError", message: "The server had an error while processing your request. Sorry about that!" },
  503: { code: "503", message: "System is experiencing high demand. Please try again later." },
};

/** The refusal that a status usually has. */
export function usualRefusal(status: number): Refusal {
  const { code, message } = USUAL[status] ?? { code: String(status), message: "An error occurred." };
  return new Refusal(status, message, { code });
}

/** The answer for a failure that a directive asks for; without a status it is 500. */
export function failureReply({ status, type, retryAfter }: Failure, headers: Record<string, string>): Reply {
  if (type === "too-long") {
    const message =
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens. Please reduce the length of the messages.";
    return refusalReply(invalid(message, "messages", "context_length_exceeded"), headers);
  }
  if (status !== 429) return refusalReply(usualRefusal(status || 500), headers);
  const message = `Requests to the ChatCompletions_Create Operation under Azure OpenAI API have exceeded call rate limit of your current OpenAI S0 pricing tier. Please retry after ${retryAfter} seconds.`;
  const retry = retryAfter > 0 ? { "retry-after": String(retryAfter), "retry-after-ms": String(retryAfter * 1000) } : {};
  return refusalReply(new Refusal(429, message, { code: "429" }), { ...headers, ...retry });
}

export function refusalReply(error: Refusal, headers: Record<string, string>): Reply {
  return {
    status: error.status,
    headers: { "content-type": "application/json", ...headers },
    content: { body: Buffer.from(JSON.stringify({ error: { message: error.message, ...error.fields } })) },
    tokens: 0,
  };
}
