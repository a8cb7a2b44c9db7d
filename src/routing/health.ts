/** What is known of upstreams and of targets: each has one entry in a process, whichever configuration names it. */
import { type ErrorKind, TARGET_FAILURES } from "../contract/errors.ts";
import { momentText } from "../contract/moment.ts";

/** Ends of attempts that say nothing of the upstream: the attempt may have ended before its answer. */
const SILENT: ReadonlySet<string> = new Set<ErrorKind>([
  "cancelled",
  "deadline_exceeded",
  "worker_lost",
  "draining",
  "internal",
  "invalid_request",
]);

/** Whether the end of an attempt speaks against the upstream. One that throttles is alive: it is at its limit. */
function isFailure(outcome: "ok" | ErrorKind): boolean {
  return TARGET_FAILURES.has(outcome) && outcome !== "upstream_rate_limited";
}

/** The results of the last attempts at an upstream, and how many attempts are under way. An attempt costs two sums, and a failure the time of day. */
export class UpstreamHealth {
  /** Attempts of this process that are under way. */
  open = 0;
  #isKnown = false;
  /** Attempts in a row that failed; 0 where the last one was answered. */
  #failures = 0;
  /** Milliseconds since 1970 of the first of them. */
  #sinceMs = 0;
  #lastKind = "";

  /** An attempt has ended. */
  note(outcome: "ok" | ErrorKind): void {
    if (SILENT.has(outcome)) return;
    this.#isKnown = true;
    if (!isFailure(outcome)) {
      this.#failures = 0;
      return;
    }
    this.#failures += 1;
    this.#lastKind = outcome;
    if (this.#failures === 1) this.#sinceMs = Date.now();
  }

  /** Why, in words for people. */
  get line(): string {
    if (!this.#isKnown) return "ok: no call yet";
    if (this.#failures === 0) return "ok";
    const calls = this.#failures === 1 ? "1 call" : `${this.#failures} calls in a row`;
    return `failing since ${momentText(this.#sinceMs)}: ${calls}, the last ${this.#lastKind}`;
  }
}

/** Numbers of the breaker's states, as `weir_upstream_breaker_state` has them. */
export const BREAKER_STATES = { closed: 0, half_open: 1, open: 2 } as const;
export type BreakerState = keyof typeof BREAKER_STATES;

/** What the end of an attempt says of its target: `nothing` where the request itself was at fault, or the client left. */
export type Verdict = "good" | "bad" | "nothing";

const FAILURES_IN_A_ROW = 5;
const RECENT = 20;
const FAILURES_OF_RECENT = RECENT / 2;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** An upstream that asks for less is asked again as if it had not. */
const SHORT_REST_MS = 2_000;
/** A longer rest is a mistake of the upstream, or a quota of the day: it is tried now and then. */
const LONGEST_REST_MS = 600_000;

/**
 * Whether a target is worth trying: a circuit breaker. It opens after 5 failures in a row, or 10 of the last 20 attempts; after 5 s one attempt
 * probes the target, and after each failed probe the pause is twice as long, up to 60 s. An upstream that asked to be left alone for more than 2 s
 * is left alone for as long. Times are milliseconds of one clock that never steps back.
 */
export class TargetHealth {
  readonly upstream: UpstreamHealth;
  #failuresInARow = 0;
  /** The last attempts as bits, the newest lowest: 1 failed. */
  #recent = 0;
  #failuresOfRecent = 0;
  #isOpen = false;
  #pauseMs = FIRST_PAUSE_MS;
  /** When the next probe may begin. */
  #probeAtMs = 0;
  #isProbing = false;
  #restsUntilMs = 0;

  constructor(upstream: UpstreamHealth = new UpstreamHealth()) {
    this.upstream = upstream;
  }

  get state(): BreakerState {
    if (!this.#isOpen) return "closed";
    return this.#isProbing ? "half_open" : "open";
  }

  /** Whether an attempt may begin now. */
  takes(nowMs: number): boolean {
    return nowMs >= this.#restsUntilMs && (!this.#isOpen || nowMs >= this.#probeAtMs);
  }

  /** When it may be tried again; in the past where it may be now. */
  get takesAtMs(): number {
    return Math.max(this.#restsUntilMs, this.#isOpen ? this.#probeAtMs : 0);
  }

  /** An attempt begins; true where it is the probe. */
  begin(nowMs: number): boolean {
    if (!this.#isOpen || nowMs < this.#probeAtMs) return false;
    this.#isProbing = true;
    // Should this probe never come to an end, there is another one after as long a pause.
    this.#probeAtMs = nowMs + this.#pauseMs;
    return true;
  }

  /**
   * An attempt has ended, or has begun to answer well.
   * @param restMs - For how long the upstream asked to be left alone; 0 where it did not.
   * @returns whether the breaker has opened or closed by this.
   */
  ended(verdict: Verdict, wasProbe: boolean, nowMs: number, restMs = 0): boolean {
    if (restMs > SHORT_REST_MS) this.#restsUntilMs = Math.max(this.#restsUntilMs, nowMs + Math.min(restMs, LONGEST_REST_MS));
    if (wasProbe) return this.#probed(verdict, nowMs);
    // An attempt that began before the breaker opened says nothing of the target now.
    if (this.#isOpen || verdict === "nothing") return false;
    const failed = verdict === "bad" ? 1 : 0;
    this.#failuresInARow = failed === 1 ? this.#failuresInARow + 1 : 0;
    this.#failuresOfRecent += failed - ((this.#recent >>> (RECENT - 1)) & 1);
    this.#recent = ((this.#recent << 1) | failed) & ((1 << RECENT) - 1);
    if (this.#failuresInARow < FAILURES_IN_A_ROW && this.#failuresOfRecent < FAILURES_OF_RECENT) return false;
    this.#isOpen = true;
    this.#probeAtMs = nowMs + this.#pauseMs;
    return true;
  }

  #probed(verdict: Verdict, nowMs: number): boolean {
    this.#isProbing = false;
    if (!this.#isOpen) return false;
    if (verdict === "good") {
      this.#isOpen = false;
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#failuresInARow = 0;
      this.#recent = 0;
      this.#failuresOfRecent = 0;
      return true;
    }
    // A probe that found nothing out may be followed by another at once.
    if (verdict === "bad") this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#probeAtMs = verdict === "bad" ? nowMs + this.#pauseMs : nowMs;
    return false;
  }
}
