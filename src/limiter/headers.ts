/** The limits as a client sees them: the headers of its answer, and the error of a refusal. */
import { GatewayError } from "../contract/errors.ts";
import type { ReplyHeaders } from "../contract/http.ts";
import { secondText } from "../contract/moment.ts";
import { decimalText } from "../contract/text.ts";
import type { Claim } from "./admission.ts";
import type { Decision, Window, Windows } from "./decision.ts";

/** Puts both windows into an answer's headers. `prefix`: of the header names that only this dialect has; undefined where it has none. */
export function showWindows(headers: ReplyHeaders, prefix: string | undefined, windows: Windows): void {
  const lines = rateLimitLines(windows);
  headers.setLines(prefix === undefined ? lines : lines + prefixedRateLimitLines(prefix, windows, Date.now()));
}

/** The error that ends a call which was not admitted. */
export function limitRefusal(decision: Exclude<Decision, { outcome: "admitted" | "weigh" }>, claim: Claim): GatewayError {
  switch (decision.outcome) {
    case "unavailable":
      return new GatewayError("limiter_unavailable", { message: "Rate limits cannot be checked at this moment. Please try again." });
    case "too_large":
      return new GatewayError("too_many_tokens", { message: refusalText(decision, claim) });
    default:
      return new GatewayError(decision.outcome === "requests" ? "rate_limited_requests" : "rate_limited_tokens", {
        message: refusalText(decision, claim),
        retryAfterMs: decision.retryAfterMs,
      });
  }
}

/** The message of a 429 or 413: which limit, how much of it is used, what was asked for, and when to try again. */
function refusalText(
  decision: Extract<Decision, { outcome: "requests" | "tokens" | "too_large" }>,
  { workspace, model, window }: Pick<Claim, "workspace" | "model" | "window">,
): string {
  if (decision.outcome === "too_large") {
    return `The input of this request is about ${decision.requested} tokens, more than the limit of ${decision.limit} tokens per minute for ${model} in workspace ${workspace}. It can never pass; shorten the input or have the limit raised.`;
  }
  const { outcome, limit, used, requested, retryAfterMs } = decision;
  const what = window === "calls" ? outcome : "token counts";
  return `Rate limit of ${limit} ${what} per minute reached for ${model} in workspace ${workspace}: used ${used}, requested ${requested}. Please try again in ${goDurationText(retryAfterMs)}.`;
}

/** `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, for the windows that count the call; each line with its end. */
function rateLimitLines({ requests, tokens }: Windows): string {
  const ofRequests = `x-ratelimit-limit-requests: ${requests.limit}\r\nx-ratelimit-remaining-requests: ${requests.remaining}\r\nx-ratelimit-reset-requests: ${goDurationText(requests.resetMs)}\r\n`;
  if (tokens === undefined) return ofRequests;
  return `${ofRequests}x-ratelimit-limit-tokens: ${tokens.limit}\r\nx-ratelimit-remaining-tokens: ${tokens.remaining}\r\nx-ratelimit-reset-tokens: ${goDurationText(tokens.resetMs)}\r\n`;
}

/** The same as `{prefix}-{requests,tokens}-{limit,remaining,reset}`, for a dialect that has names of its own; a reset is a moment. */
export function prefixedRateLimitLines(prefix: string, { requests, tokens }: Windows, nowMs: number): string {
  const ofRequests = windowLines(`${prefix}-requests`, requests, nowMs);
  return tokens === undefined ? ofRequests : ofRequests + windowLines(`${prefix}-tokens`, tokens, nowMs);
}

function windowLines(name: string, { limit, remaining, resetMs }: Window, nowMs: number): string {
  return `${name}-limit: ${limit}\r\n${name}-remaining: ${remaining}\r\n${name}-reset: ${instantText(nowMs, resetMs)}\r\n`;
}

/** A duration as OpenAI and Go write it: `12ms`, `1s`, `1.5s`, `6m0s`. Whole milliseconds, rounded up. */
export function goDurationText(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole === 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${decimalText(whole - minutes * 60_000)}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}

/** The last text that `instantText` made: while a window is in use, all answers within a second have the same text. */
let lastSecond = Number.NaN;
let lastInstant = "";

/** The moment `ms` after `nowMs` (since 1970) by RFC 3339, in whole seconds, rounded up. */
export function instantText(nowMs: number, ms: number): string {
  const second = Math.ceil((nowMs + ms) / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastInstant = secondText(second * 1000);
  }
  return lastInstant;
}
