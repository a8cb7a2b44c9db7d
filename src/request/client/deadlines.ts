/** How long clients wait, and the clock that ends the calls which take longer. */
import { GatewayError } from "../../contract/errors.ts";
import { throwLater } from "../../contract/fault.ts";
import type { HeaderReader } from "../../contract/http.ts";

/** The time-outs that the SDKs send by default, in seconds. They bound the time until the answer begins, and after that only the pauses in the answer. */
const SDK_HEADERS = ["x-stainless-timeout", "x-stainless-read-timeout"] as const;
/** The client's bound of the whole call: a number of seconds, or a duration as `30s`. */
const OWN_HEADER = "x-weir-timeout";
/**
 * The default of the SDKs, which nearly every call has. It is not watched here, because upstreams have the same time-out by default, and a client that gives up
 * after this time ends its call by leaving.
 */
const SDK_DEFAULT_MS = 600_000;
const LONGEST_MS = 24 * 3_600_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** When the client gives up, by `performance.now()`; infinite where the client has set no bound. */
export interface ClientDeadline {
  /** Until the answer begins. */
  readonly beginAtMs: number;
  /** Until the answer ends. */
  readonly endAtMs: number;
}

/**
 * The deadline that a request's headers give; undefined where there is none to watch.
 * @throws GatewayError `invalid_request`
 */
export function readDeadline(headers: HeaderReader, nowMs: number): ClientDeadline | undefined {
  const own = headers.get(OWN_HEADER);
  const beginMs = Math.min(sdkTimeoutMs(headers.get(SDK_HEADERS[0])), sdkTimeoutMs(headers.get(SDK_HEADERS[1])));
  if (own === null && beginMs === Number.POSITIVE_INFINITY) return undefined;
  const endMs = own === null ? Number.POSITIVE_INFINITY : ownTimeoutMs(own);
  return { beginAtMs: nowMs + beginMs, endAtMs: nowMs + endMs };
}

/** The deadline of an SDK's header, in milliseconds. The header has seconds; `0` and `NOT_GIVEN` mean no deadline. */
function sdkTimeoutMs(value: string | null): number {
  if (value === null) return Number.POSITIVE_INFINITY;
  const ms = Number(value) * 1_000;
  return ms > 0 && ms < SDK_DEFAULT_MS ? ms : Number.POSITIVE_INFINITY;
}

function ownTimeoutMs(value: string): number {
  const [, amount = "", unit = "s"] = /^([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)?$/.exec(value.trim()) ?? [];
  const ms = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (ms > 0 && ms <= LONGEST_MS) return ms;
  throw new GatewayError("invalid_request", {
    message: `${OWN_HEADER}: expected a number of seconds, or a duration such as 500ms, 30s or 5m, above 0 and at most 24h.`,
    param: OWN_HEADER,
  });
}

/** The error that ends a call at the deadline of its client. */
export function deadlineError(): GatewayError {
  return new GatewayError("deadline_exceeded", {
    message: "The call took longer than its client allows (x-weir-timeout, or the time-out of its SDK), and has been ended.",
  });
}

/** A call with a deadline. */
export interface HasDeadline {
  /** Called once, when its deadline has come. */
  overdue(): void;
}

const TICK_MS = 50;

/**
 * One clock for the deadlines of all calls: a set of calls for each tick, and a timer only while there are sets. No call ends before its deadline, and a call ends
 * at most one tick after it.
 */
export class Deadlines {
  readonly #ticks = new Map<number, Set<HasDeadline>>();
  #timer: ReturnType<typeof setInterval> | undefined;
  /** The last tick whose calls have been ended. */
  #done = 0;

  /** @returns the tick, which `remove` needs. */
  add(call: HasDeadline, atMs: number): number {
    if (this.#timer === undefined) {
      this.#done = Math.floor(performance.now() / TICK_MS);
      this.#timer = setInterval(() => this.#turn(performance.now()), TICK_MS);
    }
    const tick = Math.max(this.#done + 1, Math.ceil(atMs / TICK_MS));
    const due = this.#ticks.get(tick);
    if (due === undefined) this.#ticks.set(tick, new Set([call]));
    else due.add(call);
    return tick;
  }

  remove(call: HasDeadline, tick: number): void {
    const due = this.#ticks.get(tick);
    if (due?.delete(call) && due.size === 0) this.#ticks.delete(tick);
  }

  #turn(nowMs: number): void {
    const last = Math.floor(nowMs / TICK_MS);
    // After a long stop of this thread, more ticks may have passed than there are ticks with a deadline.
    if (last - this.#done > this.#ticks.size) {
      for (const tick of [...this.#ticks.keys()]) if (tick <= last) this.#endTick(tick);
    } else for (let tick = this.#done + 1; tick <= last; tick++) this.#endTick(tick);
    this.#done = last;
    if (this.#ticks.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #endTick(tick: number): void {
    const due = this.#ticks.get(tick);
    this.#ticks.delete(tick);
    for (const call of due ?? []) {
      try {
        call.overdue();
      } catch (thrown) {
        // The other entries of this tick belong to other calls, which must still be ended.
        throwLater(thrown);
      }
    }
  }
}

/** Watches the deadline of one call: first until the answer begins, then until the answer ends. */
export class DeadlineWatch {
  readonly #deadlines: Deadlines;
  readonly #call: HasDeadline;
  readonly #endAtMs: number;
  #tick: number | undefined;

  constructor(deadlines: Deadlines, call: HasDeadline, { beginAtMs, endAtMs }: ClientDeadline) {
    this.#deadlines = deadlines;
    this.#call = call;
    this.#endAtMs = endAtMs;
    this.#until(Math.min(beginAtMs, endAtMs));
  }

  /** The answer begins. */
  answering(): void {
    this.stop();
    this.#until(this.#endAtMs);
  }

  stop(): void {
    if (this.#tick !== undefined) this.#deadlines.remove(this.#call, this.#tick);
    this.#tick = undefined;
  }

  #until(atMs: number): void {
    if (atMs < Number.POSITIVE_INFINITY) this.#tick = this.#deadlines.add(this.#call, atMs);
  }
}
