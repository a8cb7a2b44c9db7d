/** Words on the command line that have no effect beside others: they are refused at once, rather than ignored for two hours. */

interface Misuse {
  /** An option that is given. */
  given: string;
  /** Options that must not be given beside it … */
  without?: readonly string[];
  /** … or one of which must. */
  needs?: string;
  why: string;
}

/** The names of scenarios, which have no option. */
export const NAMES = "SCENARIO";

const MISUSES: readonly Misuse[] = [
  {
    given: "from",
    without: [NAMES, "only", "rounds", "seconds", "smoke", "targets", "peer", "against", "key", "dialect", "model"],
    why: "--from measures nothing",
  },
  { given: "smoke", without: ["save", "compare", "html", "write-docs"], why: "--smoke measures nothing" },
  { given: "targets", without: [NAMES, "only", "smoke", "peer", "against"], why: "the targets have scenarios of their own" },
  { given: "against", without: ["peer"], why: "with --against only that gateway is measured" },
  ...["key", "dialect", "model"].map((given) => ({ given, needs: "against", why: "it is of the gateway that runs already" })),
];

/** What is wrong, in one sentence; undefined where nothing is. `given` are the names of the options. */
export function misuse(given: ReadonlySet<string>): string | undefined {
  for (const { given: one, without = [], needs, why } of MISUSES) {
    if (!given.has(one)) continue;
    const idle = without.find((name) => given.has(name));
    if (idle !== undefined) return `${optionOf(one)} and ${optionOf(idle)} do not go together: ${why}`;
    if (needs !== undefined && !given.has(needs)) return `${optionOf(one)} wants ${optionOf(needs)}: ${why}`;
  }
  return undefined;
}

const optionOf = (name: string): string => (name === NAMES ? name : `--${name}`);
