import type { Usage } from "../contract/usage.ts";
import type { Counts } from "./tally.ts";

/** Days that totals are kept for, today among them. */
export const KEPT_DAYS = 35;

/** Model → day (`2026-11-24`) → counts. */
export type Reading = ReadonlyMap<string, ReadonlyMap<string, Counts>>;

/** The interface of the day totals, the sums of what calls have used. Each store is one file; `memory.ts` and `redis.ts` pass the same tests. */
export interface Totals {
  /**
   * A call has ended. Costs no command and no wait.
   * @param requests - 0 where the call was counted already and its answer has ended later
   */
  count(workspace: string, model: string, usage: Usage | undefined, requests?: 0 | 1): void;
  /** The last `KEPT_DAYS` days of a workspace, with the latest counts of this process. @throws TotalsUnavailable */
  read(workspace: string): Promise<Reading>;
  /** When counting began; undefined where the totals survive this process. */
  readonly sinceMs: number | undefined;
  /** Writes what is not yet written, as far as that is possible now. */
  close(): Promise<void>;
}

/** The totals cannot be read now; the message says why, and holds no secret. */
export class TotalsUnavailable extends Error {
  override readonly name = "TotalsUnavailable";
}
