/** Remembers the peers that failed in a scenario. A peer that fails does not make the run fail. */
import type { NotRun } from "./result.ts";
import type { Variant } from "./variant.ts";

export class Absent {
  readonly #peers: ReadonlySet<string>;
  readonly #failed = new Set<string>();
  readonly notRun: NotRun[] = [];

  constructor(peers: readonly string[]) {
    this.#peers = new Set(peers);
  }

  /**
   * Measures the members of the group that have not failed in the scenario. If the measurement of a group with peers fails, it is done again without the
   * peers: it is not known which member failed, and if it was another one, it fails again. Returns "absent" where no member is left.
   */
  async without<Outcome>(
    scenario: string,
    round: number,
    group: readonly Variant[],
    measure: (present: readonly Variant[]) => Promise<Outcome>,
  ): Promise<Outcome | "absent"> {
    const present = group.filter(({ name }) => !this.#failed.has(`${scenario} ${name}`));
    if (present.length === 0) return "absent";
    try {
      return await measure(present);
    } catch (thrown) {
      const peers = present.filter(({ name }) => this.#peers.has(name));
      if (peers.length === 0) throw thrown;
      const why = `round ${round + 1}: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
      for (const { name } of peers) {
        this.#failed.add(`${scenario} ${name}`);
        this.notRun.push({ what: `${scenario}, ${name}`, why });
      }
      return await this.without(scenario, round, group, measure);
    }
  }
}
