/** Answers in one piece: good ones, and errors in the client's dialect. */
import type { ByteText } from "../contract/bytes.ts";
import type { Dialect } from "../contract/dialect.ts";
import { type GatewayError, LONGEST_RETRY_MS, RETRY_AFTER_MS, STATUS } from "../contract/errors.ts";
import { Reply, type ReplyHeaders } from "../contract/http.ts";

/** In logs and traces, for the status of a call whose client has left before its answer began. Proxies have made it known. */
export const NO_STATUS = 499;

/** When another try may succeed, in both forms that clients read: from 1 ms to 59 s, rounded up. */
export function retryAfterHeaders(retryAfterMs: number): { "retry-after-ms": string; "retry-after": string } {
  const ms = Math.min(LONGEST_RETRY_MS, Math.max(1, Math.ceil(retryAfterMs)));
  return { "retry-after-ms": String(ms), "retry-after": String(Math.ceil(ms / 1000)) };
}

/** An answer in one piece. `headers` becomes that of this answer. */
export function jsonReply(status: number, body: ByteText, headers: ReplyHeaders): Reply {
  headers.set("content-type", "application/json");
  return new Reply(status, headers, body);
}

/** An error before the first byte, in the dialect. */
export function errorReply(dialect: Dialect, error: GatewayError, requestId: string, headers: ReplyHeaders): Reply {
  const status = error.detail.status ?? dialect.errorNames[error.kind].status ?? STATUS[error.kind];
  const retryAfterMs = error.detail.retryAfterMs ?? RETRY_AFTER_MS[error.kind];
  if (retryAfterMs !== undefined) for (const [name, value] of Object.entries(retryAfterHeaders(retryAfterMs))) headers.set(name, value);
  // The SDKs repeat a 429 and a 500 by themselves, unless they are told not to.
  if (error.detail.isFinal === true) headers.set("x-should-retry", "false");
  return jsonReply(status, dialect.errorBody(error, requestId), headers);
}
