/** Options that have no effect together with others. They are refused at once: a user would otherwise notice after two hours. */

interface Misuse {
  /** An option that is given. */
  given: string;
  /** Options that must not be given together with it … */
  without?: readonly string[];
  /** … or the option that must be given together with it. */
  needs?: string;
  why: string;
}

/** The name here for scenarios on the command line, which need no option. */
export const NAMES = "SCENARIO";

const MISUSES: readonly Misuse[] = [
  {
    given: "from",
    without: [NAMES, "only", "rounds", "seconds", "smoke", "targets", "peer", "against", "key", "dialect", "model"],
    why: "--from measures nothing",
  },
  { given: "smoke", without: ["save", "compare", "html", "write-docs"], why: "--smoke measures nothing" },
  { given: "targets", without: [NAMES, "only", "smoke", "peer", "against"], why: "the targets choose their own scenarios" },
  { given: "against", without: ["peer"], why: "with --against only that gateway is measured" },
  ...["key", "dialect", "model"].map((given) => ({ given, needs: "against", why: "it is for the gateway that already runs" })),
];

/** What is wrong, in one sentence; undefined where nothing is wrong. `given` has the names of the options. */
export function misuse(given: ReadonlySet<string>): string | undefined {
  for (const { given: one, without = [], needs, why } of MISUSES) {
    if (!given.has(one)) continue;
    const idle = without.find((name) => given.has(name));
    if (idle !== undefined) return `${optionOf(one)} and ${optionOf(idle)} cannot be used together: ${why}`;
    if (needs !== undefined && !given.has(needs)) return `${optionOf(one)} needs ${optionOf(needs)}: ${why}`;
  }
  return undefined;
}

const optionOf = (name: string): string => (name === NAMES ? name : `--${name}`);
