import { ByNames } from "../contract/by-names.ts";
import type { CounterCell } from "./cells.ts";
import { DECISIONS, type KnownNames, MOST_WORKSPACES, OTHER, OUTCOMES } from "./labels.ts";
import type { Definer } from "./registry.ts";

/** Metrics of workspaces: their calls, and the decisions of the limiter about them. */
export class WorkspaceMetrics {
  readonly #requests;
  readonly #decisions;
  /** Cells by workspace, then by outcome. */
  #requestCells = new Map<string, Map<string, CounterCell>>();
  /** Cells by workspace and model, then by decision. */
  #decisionCells = new ByNames<Map<string, CounterCell>>();
  /** Workspaces with their own series in `#requests`. */
  readonly #own = new Set<string>();
  #names: KnownNames | undefined;

  constructor(make: Definer) {
    this.#requests = make.counter(
      "weir_workspace_requests_total",
      `Calls that have ended, by workspace. The first ${MOST_WORKSPACES} workspaces have series of their own; the rest are \`other\`.`,
      ["workspace", "outcome"],
    );
    this.#decisions = make.counter(
      "weir_limiter_decisions_total",
      "Decisions about calls: admitted, or refused by requests, tokens, too_large; and counts: token counts, and questions about kept answers, that their own window refused.",
      ["workspace", "model", "decision"],
    );
  }

  /** See `UpstreamMetrics.keep`. */
  keep(names: KnownNames): void {
    this.#names = names;
    for (const metric of [this.#requests, this.#decisions]) metric.keep((labels) => names.have(labels));
    for (const workspace of this.#own) if (names.of("workspace", workspace) !== workspace) this.#own.delete(workspace);
    // Some of these cells belong to series that were removed.
    this.#requestCells = new Map();
    this.#decisionCells = new ByNames();
  }

  /** Creates the series, so that they begin at zero. */
  declare(workspaces: readonly string[]): void {
    // With more workspaces, each gets all its outcomes at its first call.
    if (workspaces.length <= MOST_WORKSPACES) for (const workspace of workspaces) this.#outcomesOf(workspace);
  }

  /** Creates the series of one workspace and model. */
  declareModel(workspace: string, model: string): void {
    this.#decisionCells.of(workspace, model, this.#makeDecisionCells);
  }

  /** A call has ended. */
  ended(workspace: string, outcome: string): void {
    const outcomes = this.#outcomesOf(workspace);
    let cell = outcomes.get(outcome);
    if (cell === undefined) {
      cell = this.#requests.cell(this.#labelOf(workspace), outcome);
      outcomes.set(outcome, cell);
    }
    cell.value += 1;
  }

  /** The limiter has decided about a call. `decision`: one of `DECISIONS`. */
  decided(workspace: string, model: string, decision: string): void {
    const cell = this.#decisionCells.of(workspace, model, this.#makeDecisionCells).get(decision);
    if (cell !== undefined) cell.value += 1;
  }

  #outcomesOf(workspace: string): Map<string, CounterCell> {
    let outcomes = this.#requestCells.get(workspace);
    if (outcomes === undefined) {
      const label = this.#labelOf(workspace);
      outcomes = new Map(OUTCOMES.map((outcome) => [outcome, this.#requests.cell(label, outcome)]));
      this.#requestCells.set(workspace, outcomes);
    }
    return outcomes;
  }

  #labelOf(workspace: string): string {
    const name = this.#named("workspace", workspace);
    if (this.#own.size < MOST_WORKSPACES) this.#own.add(name);
    return this.#own.has(name) ? name : OTHER;
  }

  readonly #makeDecisionCells = (workspace: string, model: string): Map<string, CounterCell> => {
    const [where, what] = [this.#named("workspace", workspace), this.#named("model", model)];
    return new Map(DECISIONS.map((decision) => [decision, this.#decisions.cell(where, what, decision)]));
  };

  #named(label: string, value: string): string {
    return this.#names?.of(label, value) ?? value;
  }
}
