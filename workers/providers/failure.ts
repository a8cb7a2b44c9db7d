/** What the failures of all providers have in common. */

import { type ByteText, decodeUtf8 } from "../../src/contract/bytes.ts";
import type { CallOperation } from "../../src/contract/dialect.ts";
import { GatewayError, LONGEST_RETRY_MS } from "../../src/contract/errors.ts";
import { isObject } from "../../src/contract/objects.ts";
import { clipped } from "../../src/contract/text.ts";
import type { HttpHeaders } from "../wire/http.ts";
import type { ReportedUsage } from "./provider.ts";

const SHOWN_CHARACTERS = 300;
/** Most characters of an upstream's message: patterns search it, and it is sent to the front's thread. Some errors are as long as whole answers. */
const MOST_SAID = 4_096;

/** A mistake of the operator's set-up: the client learns only that the mistake is not in its request. `log` names the upstream and the cure. */
export function misconfigured(log: string): GatewayError {
  return new GatewayError("misconfigured", {
    message: "The gateway is not set up correctly for this model; its operator has to act.",
    log,
  });
}

/**
 * What `service` has for an operation of a call.
 * @throws GatewayError `invalid_request` where it has nothing
 */
export function operationIn<Operation>(
  operations: Readonly<Partial<Record<CallOperation, Operation>>>,
  operation: CallOperation,
  service: string,
): Operation {
  const found = operations[operation];
  if (found === undefined) throw new GatewayError("invalid_request", { message: `This model's service, ${service}, has no such request.` });
  return found;
}

/** The refusal of a field that the upstream or the model cannot serve, and that must not be left out. `param`: the field's name, or its path. */
export function refusal(param: string, text: string): GatewayError {
  return new GatewayError("invalid_request", { message: `${param}: ${text}`, param });
}

/** An upstream's text for a log line: one line, bounded. */
export function brief(text: string): string {
  return clipped(text.split(/[\r\n]/, 1)[0] ?? "", SHOWN_CHARACTERS);
}

/** Why an operation failed, for a log line. */
export function reason(thrown: unknown): string {
  return brief(thrown instanceof Error ? thrown.message : String(thrown));
}

/** For an upstream that gives no hint: a few seconds, and random, so that calls that were refused together do not return together. */
function spreadRetryMs(): number {
  return 1_000 + Math.floor(Math.random() * 4_000);
}

/** Milliseconds after which to try again, at most 59 s: from the upstream's headers, else from its message, else a few seconds. */
export function retryAfterMs(headers: HttpHeaders, message: string, nowMs: number): number {
  const hint = hintedMs(headers, message, nowMs);
  return hint === undefined ? spreadRetryMs() : Math.min(LONGEST_RETRY_MS, Math.ceil(hint));
}

/** The pause that the upstream itself asked for, by its headers or else its message, in milliseconds; undefined where it asked for none. */
export function hintedMs(headers: HttpHeaders, message: string, nowMs: number): number | undefined {
  const hints = [Number(headers.get("retry-after-ms") ?? Number.NaN), secondsOrDate(headers.get("retry-after"), nowMs), spoken(message)];
  return hints.find((ms) => ms > 0 && Number.isFinite(ms));
}

/** After some minutes a client's own retries are over. */
const LONGEST_TRYING_MS = 10 * 60_000;

/**
 * Whether a quota (tokens of a day, or of a month) is full again so late that no retry of the client can succeed.
 * @param restMs - the pause that the upstream asked for
 */
export function isUsedUp(restMs: number | undefined, message: string): boolean {
  return (restMs !== undefined && restMs > LONGEST_TRYING_MS) || /\bper (?:day|month)\b|\bdaily\b/i.test(message);
}

function secondsOrDate(value: string | undefined, nowMs: number): number {
  if (value === undefined) return Number.NaN;
  const seconds = Number(value);
  return Number.isNaN(seconds) ? Date.parse(value) - nowMs : seconds * 1000;
}

/** Milliseconds in words such as "Please retry after 26 seconds." or "try again in 174ms". */
function spoken(message: string): number {
  const match = /(?:retry after|try again in) ([0-9.]+) ?(ms|milliseconds?|s|seconds?)\b/i.exec(message);
  return match === null ? Number.NaN : Number(match[1]) * (match[2]?.toLowerCase().startsWith("m") ? 1 : 1000);
}

/** Most bytes of an error that is read. An error answer is cut there when it comes; an error in a stream may be longer. */
const LONGEST_ERROR = 64 * 1024;

/** The error body as an object with its strings as characters; undefined for HTML, a cut body, a bare word, and a body that is too long. */
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

/** As `asText`, cut to the most characters of a message. */
export function asWords(value: unknown): string | undefined {
  return asText(value)?.slice(0, MOST_SAID);
}

/** More tokens than any call has. JSON allows any number, and an infinite one (`1e999`) would stay in every sum for ever. */
const MOST_TOKENS = 1_000_000_000;

/** A count of tokens; undefined for any other value. */
export function asCount(value: unknown): number | undefined {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MOST_TOKENS ? (value as number) : undefined;
}

/** A count of tokens that an upstream reports; a value that is no count is noted in `usage`. */
export function countFor(usage: ReportedUsage, value: unknown): number | undefined {
  const count = asCount(value);
  if (count === undefined && value !== undefined && value !== null) usage.isOdd = true;
  return count;
}
