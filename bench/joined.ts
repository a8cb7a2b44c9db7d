/** Joins the results of several runs into one. */
import { UsageError } from "./arguments.ts";
import type { BenchResult, NotRun } from "./result.ts";
import { SCENARIOS } from "./scenarios/index.ts";

export interface Piece {
  /** The file of the result, for error messages. */
  file: string;
  result: BenchResult;
}

/**
 * Where several results have a scenario, all figures of that scenario are from the last one, so that they come from one run. Throws where the results are from
 * different machines, commits or versions, because figures in one table must be comparable.
 */
export function joined(pieces: readonly Piece[]): BenchResult {
  const [first] = pieces;
  if (first === undefined) throw new Error("no results to join");
  // Each is compared with each other one: a peer that two results have may be missing in the first.
  for (const [at, piece] of pieces.entries()) for (const later of pieces.slice(at + 1)) alike(piece, later);
  const results = pieces.map(({ result }) => result);
  const scenarios = [
    ...new Map(results.flatMap((result) => result.scenarios.map((scenario) => [scenario.name, scenario] as const))).values(),
  ].toSorted((one, other) => place(one.name) - place(other.name));
  return {
    ...first.result,
    startedAt: results.map(({ startedAt }) => startedAt).toSorted()[0] ?? first.result.startedAt,
    versions: Object.assign({}, ...results.map(({ versions }) => versions)) as Record<string, string>,
    arguments: results.flatMap(({ arguments: words }, at) => (at === 0 ? words : ["+", ...words])),
    rounds: Math.min(...results.map(({ rounds }) => rounds)),
    scenarios,
    notRun: stillNotRun(results, scenarios),
  };
}

/** The order of a full run; scenarios that this version does not know come last. */
const ORDER = SCENARIOS.map(({ name }) => name);
const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);

function alike({ file, result }: Piece, other: Piece): void {
  const facts = ({ machine, commit, versions }: BenchResult): [string, string][] => [
    ["the processors", `${machine.processors} × ${machine.model}`],
    ["the memory", `${machine.memoryGiB} GiB`],
    ["the kernel", machine.kernel],
    ["the commit", commit],
    ...Object.entries(versions),
  ];
  const others = new Map(facts(other.result));
  for (const [what, one] of facts(result)) {
    const another = others.get(what) ?? one;
    if (another !== one) throw new UsageError(`${file} and ${other.file} cannot be joined: ${what}: ${one} and ${another}`);
  }
}

/** What none of the results has. */
function stillNotRun(results: readonly BenchResult[], scenarios: BenchResult["scenarios"]): NotRun[] {
  const run = new Set(scenarios.flatMap(({ name, variants }) => [name, ...variants.map(({ variant }) => `${name}, ${variant}`)]));
  const known = new Map(results.flatMap(({ notRun }) => notRun.map((one) => [`${one.what} ${one.why}`, one] as const)));
  return [...known.values()].filter(({ what }) => !run.has(what));
}
