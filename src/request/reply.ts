/** Answers in one piece: results, and errors in the dialect of the client. */
import type { ByteText } from "../contract/bytes.ts";
import type { Dialect } from "../contract/dialect.ts";
import { type GatewayError, LONGEST_RETRY_MS, RETRY_AFTER_MS, STATUS } from "../contract/errors.ts";
import { Reply, type ReplyHeaders } from "../contract/http.ts";

/** Sets the headers that say when another try may succeed, in both forms that clients read: from 1 ms to 59 s, rounded up. */
function setRetryAfter(headers: ReplyHeaders, retryAfterMs: number): void {
  const ms = Math.min(LONGEST_RETRY_MS, Math.max(1, Math.ceil(retryAfterMs)));
  headers.set("retry-after-ms", String(ms));
  headers.set("retry-after", String(Math.ceil(ms / 1000)));
}

/** An answer in one piece. It takes over `headers`, and changes them. */
export function jsonReply(status: number, body: ByteText, headers: ReplyHeaders): Reply {
  headers.set("content-type", "application/json");
  return new Reply(status, headers, body);
}

/** The answer that is an error, before the first byte of any other answer. It takes over `headers`, and changes them. */
export function errorReply(dialect: Dialect, error: GatewayError, requestId: string, headers: ReplyHeaders): Reply {
  const status = error.detail.status ?? dialect.errorNames[error.kind].status ?? STATUS[error.kind];
  const retryAfterMs = error.detail.retryAfterMs ?? RETRY_AFTER_MS[error.kind];
  if (retryAfterMs !== undefined) setRetryAfter(headers, retryAfterMs);
  // The SDKs repeat a request by themselves after a 429 or a 500, unless this header forbids it.
  if (error.detail.isFinal === true) headers.set("x-should-retry", "false");
  return jsonReply(status, dialect.errorBody(error, requestId), headers);
}
