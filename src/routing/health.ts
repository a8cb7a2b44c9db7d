/** What this process knows about the health of upstreams and of targets. */
import { type ErrorKind, TARGET_FAILURES } from "../contract/errors.ts";
import { momentText } from "../contract/moment.ts";

/** Outcomes of attempts that say nothing about the upstream: the attempt may have ended before an answer came. */
const SILENT: ReadonlySet<string> = new Set<ErrorKind>([
  "cancelled",
  "deadline_exceeded",
  "worker_lost",
  "draining",
  "internal",
  "invalid_request",
]);

/** Whether the outcome of an attempt counts against the upstream. An upstream that throttles works: it is only at its limit. */
function isFailure(outcome: "ok" | ErrorKind): boolean {
  return TARGET_FAILURES.has(outcome) && outcome !== "upstream_rate_limited";
}

/** The results of the last attempts at an upstream, and how many attempts are open. */
export class UpstreamHealth {
  /** Attempts of this process that are open. */
  open = 0;
  #isKnown = false;
  /** How many attempts in a row have failed; 0 where the last one was answered. */
  #failures = 0;
  /** When the first of these failed, in milliseconds since 1970. */
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

  /** The state in words, for people. */
  get line(): string {
    if (!this.#isKnown) return "ok: no call yet";
    if (this.#failures === 0) return "ok";
    const calls = this.#failures === 1 ? "1 call" : `${this.#failures} calls in a row`;
    return `failing since ${momentText(this.#sinceMs)}: ${calls}, the last ${this.#lastKind}`;
  }
}

/** The states of a breaker, with their values in `weir_upstream_breaker_state`. */
export const BREAKER_STATES = { closed: 0, half_open: 1, open: 2 } as const;
export type BreakerState = keyof typeof BREAKER_STATES;

/** What the outcome of an attempt says about its target: `nothing` where the fault was in the request, or the client left. */
export type Verdict = "good" | "bad" | "nothing";

const FAILURES_IN_A_ROW = 5;
const RECENT = 20;
const FAILURES_OF_RECENT = RECENT / 2;
const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;
/** A rest up to this length is ignored. */
const SHORT_REST_MS = 2_000;
/** A longer rest is cut to this length: it is a mistake of the upstream, or the quota of a day, and one attempt now and then does no harm. */
const LONGEST_REST_MS = 600_000;

/**
 * Whether calls may go to a target: a circuit breaker. It opens after 5 failures in a row, or 10 of the last 20 attempts. After 5 s one attempt probes the
 * target; after each failed probe the pause is twice as long, up to 60 s. An upstream may also ask for a rest: where the rest is longer than 2 s, no call goes
 * to the target until it is over. All times are milliseconds of one clock that never steps back.
 */
export class TargetHealth {
  readonly upstream: UpstreamHealth;
  #failuresInARow = 0;
  /** The last attempts as bits; the lowest bit is the newest attempt, and 1 means that it failed. */
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

  /** When the next attempt may begin; a time in the past means now. */
  get takesAtMs(): number {
    return Math.max(this.#restsUntilMs, this.#isOpen ? this.#probeAtMs : 0);
  }

  /** An attempt begins; true where it is the probe. */
  begin(nowMs: number): boolean {
    if (!this.#isOpen || nowMs < this.#probeAtMs) return false;
    this.#isProbing = true;
    // A probe may never end: after the same pause another attempt may probe.
    this.#probeAtMs = nowMs + this.#pauseMs;
    return true;
  }

  /**
   * An attempt has ended, or has begun to answer well.
   * @param restMs - The rest that the upstream asked for; 0 where it asked for none.
   * @returns whether this has opened or closed the breaker.
   */
  ended(verdict: Verdict, wasProbe: boolean, nowMs: number, restMs = 0): boolean {
    if (restMs > SHORT_REST_MS) this.#restsUntilMs = Math.max(this.#restsUntilMs, nowMs + Math.min(restMs, LONGEST_REST_MS));
    if (wasProbe) return this.#probed(verdict, nowMs);
    // An attempt that began before the breaker opened says nothing about the target now.
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
    // After a probe without a verdict, the next one may begin at once.
    if (verdict === "bad") this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
    this.#probeAtMs = verdict === "bad" ? nowMs + this.#pauseMs : nowMs;
    return false;
  }
}

/** The health of all upstreams, and of all targets by upstream and model. It outlives the configuration that named them. */
export class HealthBook {
  readonly #targets = new Map<string, TargetHealth>();
  readonly #upstreams = new Map<string, UpstreamHealth>();

  /** The health of a target: the same object for as long as a configuration in force has the target. */
  of(upstream: string, model: string): TargetHealth {
    const key = `${upstream}\n${model}`;
    let health = this.#targets.get(key);
    if (health === undefined) {
      health = new TargetHealth(this.#upstream(upstream));
      this.#targets.set(key, health);
    }
    return health;
  }

  /** One line for each upstream, for `/readyz`. */
  lines(): Record<string, string> {
    const named = [...this.#upstreams].sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(named.map(([name, { line }]) => [`upstream ${name}`, line]));
  }

  /** Forgets every target that is not in `targets`, and every upstream without a target. */
  keep(targets: Iterable<{ readonly health: TargetHealth }>): void {
    const kept = new Set<TargetHealth>();
    for (const { health } of targets) kept.add(health);
    const upstreams = new Set<UpstreamHealth>();
    for (const [key, health] of this.#targets) {
      if (kept.has(health)) upstreams.add(health.upstream);
      else this.#targets.delete(key);
    }
    for (const [name, upstream] of this.#upstreams) if (!upstreams.has(upstream)) this.#upstreams.delete(name);
  }

  #upstream(name: string): UpstreamHealth {
    const known = this.#upstreams.get(name);
    if (known !== undefined) return known;
    const fresh = new UpstreamHealth();
    this.#upstreams.set(name, fresh);
    return fresh;
  }
}
