/** What the failures of every provider have in common. */

import { type ByteText, decodeUtf8 } from "../../src/contract/bytes.ts";
import { GatewayError, LONGEST_RETRY_MS } from "../../src/contract/errors.ts";
import { isObject } from "../../src/contract/objects.ts";
import { clipped } from "../../src/contract/text.ts";
import type { HttpHeaders } from "../wire/http.ts";
import type { ReportedUsage } from "./provider.ts";

const SHOWN_CHARACTERS = 300;
/** Of what an upstream says: patterns look through it, and it crosses to the front's thread. Errors may be as long as whole answers. */
const MOST_SAID = 4_096;

/** Our own mistake: the client learns only that it is not its own. `log` names the upstream and the cure. */
export function misconfigured(log: string): GatewayError {
  return new GatewayError("misconfigured", {
    message: "The gateway is not set up correctly for this model; its operator has to act.",
    log,
  });
}

/** An upstream's text for a log line: one line, and not long. */
export function brief(text: string): string {
  return clipped(text.split(/[\r\n]/, 1)[0] ?? "", SHOWN_CHARACTERS);
}

/** Why something failed, for a log line. */
export function reason(thrown: unknown): string {
  return brief(thrown instanceof Error ? thrown.message : String(thrown));
}

/** Where the upstream gives no hint: long enough to matter, spread so that those refused together do not return together. */
function spreadRetryMs(): number {
  return 1_000 + Math.floor(Math.random() * 4_000);
}

/** What the upstream's headers, or else its words, say of another try; within 1 ms to 59 s. */
export function retryAfterMs(headers: HttpHeaders, message: string, nowMs: number): number {
  const hint = hintedMs(headers, message, nowMs);
  return hint === undefined ? spreadRetryMs() : Math.min(LONGEST_RETRY_MS, Math.ceil(hint));
}

/** For how long the upstream itself asked to be left alone, by its headers or else its words; undefined where it did not. */
export function hintedMs(headers: HttpHeaders, message: string, nowMs: number): number | undefined {
  const hints = [Number(headers.get("retry-after-ms") ?? Number.NaN), secondsOrDate(headers.get("retry-after"), nowMs), spoken(message)];
  return hints.find((ms) => ms > 0 && Number.isFinite(ms));
}

/** A client's own tries are over after some minutes. */
const LONGEST_TRYING_MS = 10 * 60_000;

/** Whether what is used up comes back so late that no client's own tries will see it: the tokens of a day, a month's quota. */
export function isUsedUp(restMs: number | undefined, message: string): boolean {
  return (restMs !== undefined && restMs > LONGEST_TRYING_MS) || /\bper (?:day|month)\b|\bdaily\b/i.test(message);
}

function secondsOrDate(value: string | undefined, nowMs: number): number {
  if (value === undefined) return Number.NaN;
  const seconds = Number(value);
  return Number.isNaN(seconds) ? Date.parse(value) - nowMs : seconds * 1000;
}

/** "Please retry after 26 seconds.", "try again in 174ms" */
function spoken(message: string): number {
  const match = /(?:retry after|try again in) ([0-9.]+) ?(ms|milliseconds?|s|seconds?)\b/i.exec(message);
  return match === null ? Number.NaN : Number(match[1]) * (match[2]?.toLowerCase().startsWith("m") ? 1 : 1000);
}

/** As much as is kept of an error answer; those in a stream may be longer. */
const LONGEST_ERROR = 64 * 1024;

/** The object that an error body is, its strings as characters; undefined for a page of HTML, a cut body, a mere word, and what is far too long. */
export function errorFields(body: ByteText): Record<string, unknown> | undefined {
  if (body.length > LONGEST_ERROR) return undefined;
  try {
    return asObject(JSON.parse(decodeUtf8(body)));
  } catch {
    return undefined;
  }
}

export function asObject(value: unknown): Record<string, unknown> | undefined {
  return isObject(value) ? value : undefined;
}

export function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** As `asText`, of words about a failure: cut where there are too many. */
export function asWords(value: unknown): string | undefined {
  return asText(value)?.slice(0, MOST_SAID);
}

/** No call has more tokens; JSON may say any number, and one without end (`1e999`) would never leave a sum that it was added to. */
const MOST_TOKENS = 1_000_000_000;

/** A count of tokens. */
export function asCount(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_TOKENS ? (value as number) : undefined;
}

/** A count of tokens that an upstream reports; what is there and is none is noted in `usage`. */
export function countFor(usage: ReportedUsage, value: unknown): number | undefined {
  const count = asCount(value);
  if (count === undefined && value !== undefined && value !== null) usage.isOdd = true;
  return count;
}
