/**
 * Refusals in Bedrock's own words. Sources: github boto/botocore, bedrock-runtime service-2.json (exceptions and their statuses); AWS, "Common errors";
 * the messages are from reports of refused requests.
 */
import { Buffer } from "node:buffer";
import type { Failure } from "../behaviour.ts";
import type { Reply } from "../delivery.ts";
import type { JsonObject } from "../json.ts";

/** The status and the usual message of each exception. */
const EXCEPTIONS: Readonly<Record<string, { status: number; message: string }>> = {
  ValidationException: { status: 400, message: "Malformed input request, please reformat your input and try again." },
  ServiceQuotaExceededException: { status: 400, message: "Your request exceeds the service quota for your account." },
  AccessDeniedException: { status: 403, message: "You don't have access to the model with the specified model ID." },
  InvalidSignatureException: { status: 403, message: "The request signature we calculated does not match the signature you provided." },
  UnrecognizedClientException: { status: 403, message: "The security token included in the request is invalid." },
  ExpiredTokenException: { status: 403, message: "The security token included in the request is expired" },
  IncompleteSignatureException: { status: 403, message: "The request signature does not conform to AWS standards." },
  MissingAuthenticationTokenException: { status: 403, message: "Missing Authentication Token" },
  ResourceNotFoundException: { status: 404, message: "Could not resolve the foundation model from the provided model identifier." },
  ModelTimeoutException: { status: 408, message: "Model has timed out in processing the request. Try your request again." },
  ModelErrorException: { status: 424, message: "The request failed due to an error while processing the model." },
  ModelStreamErrorException: { status: 424, message: "An error occurred while streaming the response. Retry your request." },
  ThrottlingException: { status: 429, message: "Too many requests, please wait before trying again." },
  ModelNotReadyException: { status: 429, message: "The model specified in the request is not ready to serve inference requests." },
  InternalServerException: {
    status: 500,
    message: "The system encountered an unexpected error during processing. Try your request again.",
  },
  ServiceUnavailableException: { status: 503, message: "Bedrock is unable to process your request." },
};

/** An HTTP error as the answer of the service: the name of an exception, a message and a status. */
export class Refusal extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status?: number) {
    super(message);
    this.type = type;
    this.status = status ?? EXCEPTIONS[type]?.status ?? 400;
  }
}

export function validation(message: string): Refusal {
  return new Refusal("ValidationException", message);
}

/** The refusal of a member that the service does not know, or does not allow for this model. */
export function extra(place: string): Refusal {
  return validation(`${place}: Extra inputs are not permitted`);
}

/** @throws Refusal 400 where an object has any other member */
export function onlyMembers(object: JsonObject, names: readonly string[], place: string): void {
  for (const name of Object.keys(object)) if (!names.includes(name)) throw extra(`${place}.${name}`);
}

/** The usual message of an exception: stream exceptions begin with a small letter (`throttlingException`), HTTP errors with a capital. */
export function messageOf(type: string): string {
  const name = type.charAt(0).toUpperCase() + type.slice(1);
  return EXCEPTIONS[name]?.message ?? "An error occurred.";
}

export function refusalReply(error: Refusal, requestId: string): Reply {
  const headers = {
    "content-type": "application/json",
    "x-amzn-requestid": requestId,
    // AWS's services write an address after the name. Clients ignore it.
    "x-amzn-errortype": `${error.type}:http://internal.amazon.com/coral/com.amazon.bedrock/`,
  };
  // The check of API keys runs in front of the service, and its field begins with a capital letter.
  const body = error.type === "AccessDeniedException" ? { Message: error.message } : { message: error.message };
  return { status: error.status, headers, content: { body: Buffer.from(JSON.stringify(body)) }, tokens: 0 };
}

/** The answer for a failure that a directive asks for; without a type and a status it is a `ThrottlingException`. */
export function failureReply(failure: Failure, requestId: string): Reply {
  const { status, shape } = failure;
  const type = failure.type === "" && status === 0 ? "ThrottlingException" : failure.type;
  if (shape === "anthropic") return anthropicReply(status || 529, requestId);
  if (type === "too-long") return refusalReply(validation("Input is too long for requested model."), requestId);
  const name =
    type === ""
      ? Object.keys(EXCEPTIONS).find((each) => EXCEPTIONS[each]?.status === status)
      : type.charAt(0).toUpperCase() + type.slice(1);
  if (name === undefined) return gatewayPage(status);
  return refusalReply(new Refusal(name, messageOf(name), status || EXCEPTIONS[name]?.status || 500), requestId);
}

/** A status that the service never sends comes from a proxy in front of it, which answers in HTML. */
function gatewayPage(status: number): Reply {
  const body = `<html>\r\n<head><title>${status}</title></head>\r\n<body>\r\n<center><h1>${status}</h1></center>\r\n</body>\r\n</html>\r\n`;
  return { status, headers: { "content-type": "text/html" }, content: { body: Buffer.from(body) }, tokens: 0 };
}

const ANTHROPIC_TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

function anthropicReply(status: number, requestId: string): Reply {
  const type = ANTHROPIC_TYPES[status] ?? "api_error";
  const body = {
    type: "error",
    error: { type, message: type === "overloaded_error" ? "Overloaded" : "The request failed." },
    request_id: requestId,
  };
  return {
    status,
    headers: { "content-type": "application/json", "x-amzn-requestid": requestId },
    content: { body: Buffer.from(JSON.stringify(body)) },
    tokens: 0,
  };
}
