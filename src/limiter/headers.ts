/** The limits as a client sees them: from a decision to headers and the text of a refusal. */

import type { HeaderWriter } from "../contract/http.ts";
import { secondText } from "../contract/moment.ts";
import { decimalText } from "../contract/text.ts";
import type { Claim } from "./admission.ts";
import type { Decision, Window, Windows } from "./limiter.ts";

/** A duration as OpenAI (and Go) write it: `12ms`, `1s`, `1.5s`, `6m0s`. Whole milliseconds, rounded up. */
export function goDurationText(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole === 0) return "0s";
  if (whole < 1000) return `${whole}ms`;
  const minutes = Math.floor(whole / 60_000);
  const seconds = `${decimalText(whole - minutes * 60_000)}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}

/** The moment `ms` after `nowMs` (since 1970) by RFC 3339, in whole seconds, rounded up. */
export function instantText(nowMs: number, ms: number): string {
  const second = Math.ceil((nowMs + ms) / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastInstant = secondText(second * 1000);
  }
  return lastInstant;
}

/** For busy windows, all answers within a second have the same text. */
let lastSecond = Number.NaN;
let lastInstant = "";

/** The names of one window's headers. */
type Names = Readonly<Record<"limit" | "remaining" | "reset", string>>;

/** Made once for all answers: a name that is put together anew each time costs more than its value. */
const namesOf = (name: (unit: string, what: string) => string): Readonly<Record<keyof Windows, Names>> => {
  const of = (unit: string) => ({ limit: name(unit, "limit"), remaining: name(unit, "remaining"), reset: name(unit, "reset") });
  return { requests: of("requests"), tokens: of("tokens") };
};

const common = namesOf((unit, what) => `x-ratelimit-${what}-${unit}`);
const byPrefix = new Map<string, ReturnType<typeof namesOf>>();

/** Sets `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`, for the windows that there are. */
export function setRateLimits(headers: HeaderWriter, { requests, tokens }: Windows): void {
  setWindow(headers, common.requests, requests, goDurationText(requests.resetMs));
  if (tokens !== undefined) setWindow(headers, common.tokens, tokens, goDurationText(tokens.resetMs));
}

/** Sets `{prefix}-{requests,tokens}-{limit,remaining,reset}`, for a dialect that has names of its own; resets as moments. */
export function setPrefixedRateLimits(headers: HeaderWriter, prefix: string, { requests, tokens }: Windows, nowMs: number): void {
  let names = byPrefix.get(prefix);
  if (names === undefined) {
    names = namesOf((unit, what) => `${prefix}-${unit}-${what}`);
    byPrefix.set(prefix, names);
  }
  setWindow(headers, names.requests, requests, instantText(nowMs, requests.resetMs));
  if (tokens !== undefined) setWindow(headers, names.tokens, tokens, instantText(nowMs, tokens.resetMs));
}

function setWindow(headers: HeaderWriter, names: Names, { limit, remaining }: Window, reset: string): void {
  headers.set(names.limit, String(limit));
  headers.set(names.remaining, String(remaining));
  headers.set(names.reset, reset);
}

/** The message of a 429 or 413: which limit, how much of it is used, what was asked for, and when to come back. */
export function refusalText(
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
