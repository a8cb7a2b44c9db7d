/** Peers that failed in a scenario: a peer's fault is no failure of the run. */
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
   * Measures the members of the group that have not failed in the scenario. If peers are measured together with others and the measurement fails, it is done
   * again without the peers: it is not known which one failed, and a fault of another member shows again. "absent" where no member is left.
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
