/**
 * The access log: one line for each call that has ended; `docs/operations.md` lists its fields. The text of a line is made here and not by a logging library, which
 * took an eighth of the front's time. The strings of the configuration are quoted once, and the lines of one moment leave in one write.
 *
 * Free text of a client is never in a line: not the name of an unknown region, and not the message of an error, which may quote the body. A line does have the name
 * of an unknown model, and the names that a client gives itself (`client/caller.ts`): cut, and without characters that no name has.
 */
import type { CallLog } from "../contract/config.ts";
import { decimalText } from "../contract/text.ts";
import type { Usage } from "../contract/usage.ts";
import type { LineBatch, LineLevel } from "../log/batch.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import type { Outcome } from "./outcome.ts";
import type { Visit } from "./visit.ts";

/** The most quoted names that are remembered: those of the configuration in force and of the ones before it. */
const MOST_NAMES = 10_000;

/** Levels of the faults that the operator has to mend, and of failures of the clouds. Mistakes of clients, and limits, are `info`. */
const LEVELS: ReadonlyMap<Outcome["outcome"], LineLevel> = new Map([
  ["misconfigured", "error"],
  ["internal", "error"],
  ["upstream_failed", "warn"],
  ["upstream_malformed", "warn"],
  ["upstream_overloaded", "warn"],
  ["upstream_timeout", "warn"],
  ["upstream_unreachable", "warn"],
]);

/** The part of a line that all calls of one key to one target share, and what it was made of. */
interface SharedPart extends Pick<Visit, "route" | "region" | "offer" | "stream"> {
  text: string;
}

export class AccessLog {
  readonly #batch: LineBatch;
  readonly #base: string;
  readonly #quoted = new Map<string, string>();
  readonly #sharedParts = new WeakMap<RoutedTarget, WeakMap<NonNullable<Visit["identity"]>, SharedPart>>();
  #settings: CallLog;
  readonly #random: () => number;
  #second = 0;
  #secondText = "";

  /**
   * @param base - Fields of every line.
   * @param random - From 0 up to 1.
   */
  constructor(batch: LineBatch, settings: CallLog, base: Readonly<Record<string, number>> = {}, random: () => number = Math.random) {
    this.#batch = batch;
    this.#settings = settings;
    this.#random = random;
    this.#base = Object.entries(base)
      .map(([name, value]) => `"${name}":${value},`)
      .join("");
  }

  /** Adds the line of a call. `endedMs`: `performance.now()`. */
  add(visit: Visit, end: Outcome, endedMs: number): void {
    const level = LEVELS.get(end.outcome) ?? "info";
    if (!this.#batch.takes(level)) return;
    // Only a good call may be left out by the sampling; a slow one is always written, because a person may have waited for it.
    const { sample, slowMs } = this.#settings;
    const isSampled = sample < 1 && end.outcome === "ok" && endedMs - visit.startedMs <= slowMs;
    if (isSampled && this.#random() >= sample) return;
    this.#batch.add(this.#line(level, visit, end, endedMs, isSampled ? sample : 1));
  }

  /** Puts the settings of another configuration in force. */
  configure(settings: CallLog): void {
    this.#settings = settings;
  }

  /** Adds a line for an answer that has ended after its call, with the tokens that it used. */
  addLate(visit: Visit, { input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning }: Usage, endedMs: number): void {
    if (!this.#batch.takes("info")) return;
    const tokens = `"input_tokens":${input},"output_tokens":${output},"cache_read_tokens":${cacheRead},"cache_write_tokens":${cacheWrite},"cache_write_1h_tokens":${cacheWriteHour},"reasoning_tokens":${reasoning}`;
    const call = `"request_id":"${visit.requestId}",${this.#sharedText(visit)},"duration_ms":${round(endedMs - visit.startedMs)}`;
    this.#batch.add(
      `{"level":"info","time":"${this.#time()}",${this.#base}${call},${tokens},"message":"an answer has ended after its call"}\n`,
    );
  }

  /** @param share - The share of calls like this one that are written. */
  #line(level: string, visit: Visit, end: Outcome, endedMs: number, share: number): string {
    const { outcome, error, ended, status, firstByteAtMs } = end;
    const { startedMs, caller } = visit;
    let line = `{"level":"${level}","time":"${this.#time()}",${this.#base}"request_id":"${visit.requestId}",${this.#sharedText(visit)}`;
    if (visit.attempts.length > 0) line += `,"attempts":${visit.attempts.length}`;
    if (visit.attempts.length > 1) line += `,"tried":[${visit.attempts.map((attempt) => this.#attemptText(attempt)).join(",")}]`;
    if (ended !== undefined) line += `,"upstream_request_id":${JSON.stringify(ended.upstreamRequestId)}`;
    line += `,"outcome":"${outcome}","status":${status},"duration_ms":${round(endedMs - startedMs)}`;
    if (firstByteAtMs !== undefined) line += `,"first_byte_ms":${round(firstByteAtMs - startedMs)}`;
    if (ended !== undefined) line += `,"upstream_ms":${round(ended.upstreamMs)}`;
    if (visit.used !== undefined) {
      const { input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning } = visit.used;
      line += `,"input_tokens":${input},"output_tokens":${output}`;
      line += `,"cache_read_tokens":${cacheRead},"cache_write_tokens":${cacheWrite}`;
      if (cacheWrite > 0) line += `,"cache_write_5m_tokens":${cacheWrite - cacheWriteHour},"cache_write_1h_tokens":${cacheWriteHour}`;
      if (reasoning > 0) line += `,"reasoning_tokens":${reasoning}`;
    }
    if (ended !== undefined && ended.attempts > 1) line += `,"upstream_attempts":${ended.attempts}`;
    if (visit.isGuarded) line += ',"guardrail":"intervened"';
    line += caller.text;
    if (caller.user !== "") line += `,"user":${JSON.stringify(caller.user)}`;
    // The line represents 1 / `sample` calls.
    if (share < 1) line += `,"sample":${share}`;
    // A failed call has the field at fault; and where the operator has to mend something, what happened and the cure.
    if (error?.detail.param !== undefined) line += `,"param":${JSON.stringify(error.detail.param)}`;
    if (error?.detail.log !== undefined) line += `,"cause":${JSON.stringify(error.detail.log)}`;
    return `${line},"message":"request"}\n`;
  }

  /** The time by RFC 3339, with milliseconds. The part up to the second is made once a second. */
  #time(): string {
    const nowMs = Date.now();
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 20);
    }
    return `${this.#secondText}${String(nowMs - second * 1000).padStart(3, "0")}Z`;
  }

  /** The route, region, workspace, key, model and target: the same for all calls of one key to one target. */
  #sharedText(visit: Visit): string {
    const { identity, route, region, offer, stream } = visit;
    const target = visit.lastAttempt?.target;
    if (identity === undefined || target === undefined) return this.#makeShared(visit);
    let byKey = this.#sharedParts.get(target);
    if (byKey === undefined) {
      byKey = new WeakMap();
      this.#sharedParts.set(target, byKey);
    }
    let part = byKey.get(identity);
    if (part === undefined || part.route !== route || part.region !== region || part.offer !== offer || part.stream !== stream) {
      part = { route, region, offer, stream, text: this.#makeShared(visit) };
      byKey.set(identity, part);
    }
    return part.text;
  }

  #makeShared(visit: Visit): string {
    const { route, region, identity, offer, refusedModel, stream } = visit;
    const target = visit.lastAttempt?.target;
    let text = `"route":${this.#name(route)}`;
    if (identity === undefined) text += ',"workspace":""';
    else
      text += `,"region":${this.#name(region)},"workspace":${this.#name(identity.workspace.name)},"key":${this.#name(identity.keyName)},"key_id":${this.#name(identity.id)}`;
    if (offer !== undefined) text += `,"model":${this.#name(offer.model)}`;
    else if (refusedModel !== undefined) text += `,"refused_model":${JSON.stringify(refusedModel)}`;
    text += `,"stream":${stream}`;
    if (target === undefined) return `${text},"upstream":""`;
    return `${text},"upstream":${this.#name(target.upstream.name)},"upstream_model":${this.#name(target.model)}`;
  }

  /** One of several attempts, with its outcome. */
  #attemptText({ target, outcome = "cancelled" }: Visit["attempts"][number]): string {
    return `{"upstream":${this.#name(target.upstream.name)},"upstream_model":${this.#name(target.model)},"outcome":"${outcome}"}`;
  }

  /** A name of the configuration in quotes. */
  #name(text: string): string {
    let quoted = this.#quoted.get(text);
    if (quoted === undefined) {
      if (this.#quoted.size >= MOST_NAMES) this.#quoted.clear();
      quoted = JSON.stringify(text);
      this.#quoted.set(text, quoted);
    }
    return quoted;
  }
}

/** Rounds to the microsecond. */
function round(ms: number): string {
  return decimalText(Math.max(0, Math.round(ms * 1000)));
}
