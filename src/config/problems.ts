/** Mistakes of a configuration, and the words for them. */
import { withoutSecrets } from "./shown.ts";

export type Path = readonly string[];

/** Shown in place of a name that may be a secret. */
export const HIDDEN = "…";

export interface Problem {
  path: Path;
  /** What was expected and what was found; never a secret. */
  text: string;
}

/** A configuration that cannot be used; `message` names everything that is wrong with it, one line each, under the place where it is to be mended. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** Those of the source first. */
  readonly problems: readonly string[];

  /**
   * @param source - the file
   * @param problems - of the file
   * @param variables - mistakes in variables of the environment
   */
  constructor(source: string, problems: readonly string[], variables: readonly string[] = []) {
    super([mistakesOf(source, problems), mistakesOf("environment", variables)].filter((text) => text !== "").join("\n"));
    this.problems = [...problems, ...variables];
  }
}

function mistakesOf(source: string, problems: readonly string[]): string {
  if (problems.length === 0) return "";
  const count = problems.length === 1 ? "1 mistake" : `${problems.length} mistakes`;
  return [`${source}: ${count}`, ...problems.map((problem) => `  ${problem}`)].join("\n");
}

/** `models["gpt-5.1"].targets.0.upstream` */
export function spell(path: Path): string {
  return path.reduce(
    (spelt, key) =>
      key === HIDDEN || /^[A-Za-z0-9_-]+$/.test(key) ? `${spelt}${spelt === "" ? "" : "."}${key}` : `${spelt}[${JSON.stringify(key)}]`,
    "",
  );
}

export function isWithin(path: Path, outer: Path): boolean {
  return outer.every((key, depth) => path[depth] === key);
}

/** ` (did you mean "x"?)`; an empty text where no candidate is similar. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const plain = simplify(word);
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(plain, simplify(candidate));
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best === undefined ? "" : ` (did you mean "${withoutSecrets(best)}"?)`;
}

/** Whether `word` is a misspelling of one of `known` and no secret, so that it may be shown. */
export function isSlip(word: string, known: Iterable<string>): boolean {
  const plain = simplify(word);
  const most = Math.min(2, Math.floor(plain.length / 3));
  for (const name of known) if (editDistance(plain, simplify(name)) <= most) return true;
  return false;
}

/** `maxBody`, `max-body` and `MAX_BODY` are all misspellings of `max_body`. */
function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[-_\s]/g, "");
}

/** Insertions, deletions, substitutions and swaps of neighbours that lead from one word to the other. */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const above = rows[row - 1]?.[column] ?? 0;
      const left = current[column - 1] ?? 0;
      const diagonal = rows[row - 1]?.[column - 1] ?? 0;
      let cost = Math.min(above + 1, left + 1, diagonal + (from[row - 1] === to[column - 1] ? 0 : 1));
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (isSwap) cost = Math.min(cost, (rows[row - 2]?.[column - 2] ?? 0) + 1);
      current.push(cost);
    }
    rows.push(current);
  }
  return rows[from.length]?.[to.length] ?? 0;
}
