/**
 * Controls of a cloud's own beside the request: a guardrail, a service tier, tags. Plain JSON by the names of weir.yaml, checked against the schema that
 * the cloud's provider has for them; only the files of that provider read what is in it.
 */
export type Controls = object;

/** What of a call itself its upstream's controls may say or take. */
export interface CallControls {
  workspace: string;
  /** The name of its key. */
  key: string;
  /** The client's own control headers, by lower-case names; none where its workspace may set none. */
  headers: Readonly<Record<string, string>>;
}

/** Each control from the most specific place that sets it, which are the last of `places`; undefined where none sets any. */
export function mergedControls(places: readonly (Controls | undefined)[]): Controls | undefined {
  const set = places.filter((place) => place !== undefined);
  if (set.length <= 1) return set[0];
  return Object.assign({}, ...set) as Controls;
}

const AT = "\n\n";

/** The hints of a call with its controls behind them, as they cross to a worker. See `Dialect.hints`. */
export function withCallControls(hints: string, controls: CallControls): string {
  return `${hints}${AT}${JSON.stringify(controls)}`;
}

/** What stands behind the hints; undefined where nothing does. */
export function callControls(hints: string): CallControls | undefined {
  const at = hints.indexOf(AT);
  return at < 0 ? undefined : (JSON.parse(hints.slice(at + AT.length)) as CallControls);
}
