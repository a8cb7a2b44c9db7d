import { dateText } from "../contract/moment.ts";
import { noUsage, type Usage } from "../contract/usage.ts";

/** The sums of the calls of a workspace and model on one day. */
export interface Counts extends Usage {
  requests: number;
}

/** Model → counts, by workspace. */
type Day = Map<string, Map<string, Counts>>;

const DAY_MS = 86_400_000;

/** Counts by UTC day, workspace and model. One more call of a known model costs two map reads and seven additions. */
export class Tally {
  #days = new Map<number, Day>();
  #number = Number.NaN;
  #today: Day = new Map();

  /** @param usage - Undefined: the call used nothing that is known. */
  add(nowMs: number, workspace: string, model: string, usage: Usage | undefined, requests: 0 | 1 = 1): void {
    const number = Math.floor(nowMs / DAY_MS);
    if (number !== this.#number) this.#turn(number);
    const counts = this.#counts(workspace, model);
    counts.requests += requests;
    if (usage === undefined) return;
    counts.input += whole(usage.input);
    counts.output += whole(usage.output);
    counts.cacheRead += whole(usage.cacheRead);
    counts.cacheWrite += whole(usage.cacheWrite);
    counts.cacheWriteHour += whole(usage.cacheWriteHour);
    counts.reasoning += whole(usage.reasoning);
  }

  /** The days that have counts, by their number (`dayText`). */
  get days(): ReadonlyMap<number, ReadonlyMap<string, ReadonlyMap<string, Counts>>> {
    return this.#days;
  }

  /** Takes out all counts so far; later counts begin at zero. */
  take(): Tally {
    const taken = new Tally();
    taken.#days = this.#days;
    this.#days = new Map();
    this.#number = Number.NaN;
    return taken;
  }

  forget(before: number): void {
    for (const number of this.#days.keys()) if (number < before) this.#days.delete(number);
  }

  #turn(number: number): void {
    this.#number = number;
    this.#today = this.#days.get(number) ?? new Map();
    this.#days.set(number, this.#today);
  }

  #counts(workspace: string, model: string): Counts {
    let models = this.#today.get(workspace);
    if (models === undefined) {
      models = new Map();
      this.#today.set(workspace, models);
    }
    let counts = models.get(model);
    if (counts === undefined) {
      counts = { requests: 0, ...noUsage() };
      models.set(model, counts);
    }
    return counts;
  }
}

/** An absurd number from an upstream must not spoil a sum for good. */
function whole(tokens: number): number {
  return Number.isSafeInteger(tokens) && tokens > 0 ? tokens : 0;
}

export function dayNumber(nowMs: number): number {
  return Math.floor(nowMs / DAY_MS);
}

/** `2026-11-24` */
export function dayText(number: number): string {
  return dateText(number * DAY_MS);
}

/** Adds to a reading: model → day → counts. */
export function gather(into: Map<string, Map<string, Counts>>, model: string, day: string, more: Partial<Counts>): void {
  const days = into.get(model) ?? new Map<string, Counts>();
  into.set(model, days);
  const counts = days.get(day) ?? { requests: 0, ...noUsage() };
  days.set(day, counts);
  for (const field of FIELDS) counts[field] += more[field] ?? 0;
}

/** The names of the counts in Redis. A gateway adds up those that it knows, and ignores the others. */
export const FIELDS = [
  "requests",
  "input",
  "output",
  "cacheRead",
  "cacheWrite",
  "cacheWriteHour",
  "reasoning",
] as const satisfies readonly (keyof Counts)[];
