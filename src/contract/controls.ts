/**
 * Settings of one call that a cloud takes outside of the request's body: a guardrail, a service tier, tags. Plain JSON with the names of weir.yaml, checked by
 * the schema of the cloud's provider. Only the files of that provider read it.
 */
export type Controls = object;

/** Facts of the call that its upstream's controls may contain or take. */
export interface CallControls {
  workspace: string;
  /** The name of its key. */
  key: string;
  /** The client's own control headers, by lower-case names; empty where its workspace may not set controls. */
  headers: Readonly<Record<string, string>>;
}

/** Each control from the most specific place that sets it; later `places` are more specific. Undefined where no place sets a control. */
export function mergedControls(places: readonly (Controls | undefined)[]): Controls | undefined {
  const set = places.filter((place) => place !== undefined);
  if (set.length <= 1) return set[0];
  return Object.assign({}, ...set) as Controls;
}

const AT = "\n\n";

/** The hints of a call (`Dialect.hints`) with its controls after them, as they cross to a worker. */
export function withCallControls(hints: string, controls: CallControls): string {
  return `${hints}${AT}${JSON.stringify(controls)}`;
}

/** The controls after the hints; undefined where there are no controls. */
export function callControls(hints: string): CallControls | undefined {
  const at = hints.indexOf(AT);
  return at < 0 ? undefined : (JSON.parse(hints.slice(at + AT.length)) as CallControls);
}
