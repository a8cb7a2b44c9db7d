/** What a configuration serves, and the series that therefore exist from the start. */
import { ERROR_KINDS } from "../contract/errors.ts";

/** Offers, workspaces and models of one configuration. */
export interface LabelValues {
  offers: readonly { route: string; model: string; region: string; upstreams: readonly string[] }[];
  workspaces: readonly string[];
  /** The models that a workspace may use. */
  modelsOf(workspace: string): Iterable<string>;
}

/** Outcomes of attempts whose series exist from the start. */
export const UPSTREAM_OUTCOMES = [
  "ok",
  "cancelled",
  "deadline_exceeded",
  "misconfigured",
  "worker_lost",
  ...ERROR_KINDS.filter((kind) => kind.startsWith("upstream_")),
];
/** Outcomes of calls whose series exist from the start. */
export const OUTCOMES = [
  ...UPSTREAM_OUTCOMES,
  "internal",
  "draining",
  "overloaded",
  "limiter_unavailable",
  "rate_limited_requests",
  "rate_limited_tokens",
];
/** The same for calls that ended before their model was known. */
export const EARLY_OUTCOMES = ["unauthenticated", "invalid_request", "unknown_model", "too_large", "overloaded", "worker_lost", "internal"];
/** Decisions of the limiter, as `weir_limiter_decisions_total` has them. */
export const DECISIONS = ["admitted", "requests", "tokens", "too_large", "counts"];
/** The most pairs of workspace and model whose series exist from the start. With more, each pair gets all its series with its first call. */
const MOST_DECLARED_PAIRS = 200;
/** The most workspaces with series of their own for each outcome. */
export const MOST_WORKSPACES = 200;
/** The label value that replaces names which the configuration does not have. */
export const OTHER = "other";

/** The names of one configuration, by label. */
export class KnownNames {
  readonly #known: Readonly<Record<string, ReadonlySet<string>>>;

  constructor({ offers, workspaces }: LabelValues) {
    this.#known = {
      workspace: new Set([...workspaces, OTHER]),
      model: new Set([...offers.map(({ model }) => model), OTHER]),
      region: new Set([...offers.map(({ region }) => region), OTHER]),
      upstream: new Set([...offers.flatMap(({ upstreams }) => upstreams), OTHER]),
    };
  }

  /** `value`, or `other` where the configuration does not have this name. */
  of(label: string, value: string): string {
    const known = this.#known[label];
    return known === undefined || value === "" || known.has(value) ? value : OTHER;
  }

  /** Whether the configuration has all names in the labels of a series. */
  have(labels: Readonly<Record<string, string>>): boolean {
    return Object.entries(labels).every(([label, value]) => this.of(label, value) === value);
  }
}

/** Pairs of workspace and model whose series exist from the start; empty where there are too many. */
export function declaredPairs({ workspaces, modelsOf }: LabelValues): (readonly [workspace: string, model: string])[] {
  if (workspaces.length > MOST_DECLARED_PAIRS) return [];
  const pairs = workspaces.flatMap((workspace) => Array.from(modelsOf(workspace), (model) => [workspace, model] as const));
  return pairs.length > MOST_DECLARED_PAIRS ? [] : pairs;
}
