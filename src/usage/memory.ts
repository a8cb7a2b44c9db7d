/** Day totals of this process alone, for one gateway without Redis: they begin and end with the process. */
import type { Usage } from "../contract/usage.ts";
import { type Counts, dayNumber, dayText, gather, Tally } from "./tally.ts";
import { KEPT_DAYS, type Reading, type Totals } from "./totals.ts";

export class MemoryTotals implements Totals {
  readonly sinceMs: number;
  readonly #nowMs: () => number;
  readonly #tally = new Tally();
  #today: number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
    this.sinceMs = nowMs();
    this.#today = dayNumber(this.sinceMs);
  }

  count(workspace: string, model: string, usage: Usage | undefined, requests: 0 | 1 = 1): void {
    const nowMs = this.#nowMs();
    this.#tally.add(nowMs, workspace, model, usage, requests);
    if (dayNumber(nowMs) !== this.#today) this.#forget(dayNumber(nowMs));
  }

  async read(workspace: string): Promise<Reading> {
    this.#forget(dayNumber(this.#nowMs()));
    const reading = new Map<string, Map<string, Counts>>();
    for (const [number, workspaces] of this.#tally.days) {
      for (const [model, counts] of workspaces.get(workspace) ?? []) gather(reading, model, dayText(number), counts);
    }
    return reading;
  }

  async close(): Promise<void> {}

  #forget(today: number): void {
    this.#today = today;
    this.#tally.forget(today - KEPT_DAYS + 1);
  }
}
