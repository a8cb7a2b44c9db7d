/** What a configuration serves, and which series follow from it. */
import { ERROR_KINDS } from "../contract/errors.ts";

/** What a configuration serves. */
export interface Served {
  offers: readonly { route: string; model: string; region: string; upstreams: readonly string[] }[];
  workspaces: readonly string[];
  /** The models that a workspace may use. */
  modelsOf(workspace: string): Iterable<string>;
}

/** Outcomes of calls that an operator may want to hear of, and those of the attempts among them. */
export const UPSTREAM_OUTCOMES = [
  "ok",
  "cancelled",
  "deadline_exceeded",
  "misconfigured",
  "worker_lost",
  ...ERROR_KINDS.filter((kind) => kind.startsWith("upstream_")),
];
export const OUTCOMES = [
  ...UPSTREAM_OUTCOMES,
  "internal",
  "draining",
  "overloaded",
  "limiter_unavailable",
  "rate_limited_requests",
  "rate_limited_tokens",
];
/** Of calls that ended before their model was known. */
export const EARLY_OUTCOMES = ["unauthenticated", "invalid_request", "unknown_model", "too_large", "overloaded", "worker_lost", "internal"];
export const DECISIONS = ["admitted", "requests", "tokens", "too_large", "counts"];
/** Workspaces times models whose series exist from the start. Of more, they exist from their first call on: all decisions at once. */
const MOST_DECLARED_PAIRS = 200;
/** Workspaces that have series of their own for each outcome. */
export const MOST_WORKSPACES = 200;
/** In place of names that no configuration has any more. */
export const OTHER = "other";

/** The names that a configuration has, by the label that they are values of. */
export class Names {
  readonly #known: Readonly<Record<string, ReadonlySet<string>>>;

  constructor({ offers, workspaces }: Served) {
    this.#known = {
      workspace: new Set([...workspaces, OTHER]),
      model: new Set([...offers.map(({ model }) => model), OTHER]),
      region: new Set([...offers.map(({ region }) => region), OTHER]),
      upstream: new Set([...offers.flatMap(({ upstreams }) => upstreams), OTHER]),
    };
  }

  /** `value`, or `other` where it is a name that the configuration does not have. */
  of(label: string, value: string): string {
    const known = this.#known[label];
    return known === undefined || value === "" || known.has(value) ? value : OTHER;
  }

  /** Whether all labels of a series are names that there are. */
  have(labels: Readonly<Record<string, string>>): boolean {
    return Object.entries(labels).every(([label, value]) => this.of(label, value) === value);
  }
}

/** Workspaces and models whose series exist from the start; none where there are too many. */
export function declaredPairs({ workspaces, modelsOf }: Served): (readonly [workspace: string, model: string])[] {
  if (workspaces.length > MOST_DECLARED_PAIRS) return [];
  const pairs = workspaces.flatMap((workspace) => Array.from(modelsOf(workspace), (model) => [workspace, model] as const));
  return pairs.length > MOST_DECLARED_PAIRS ? [] : pairs;
}
