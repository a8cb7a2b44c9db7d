/** The clouds' own controls: checked against those that the target's cloud has, and merged. */
import type { Upstream } from "../contract/config.ts";
import { type Controls, mergedControls } from "../contract/controls.ts";
import { providers } from "../providers/index.ts";
import type { ResolveContext } from "./context.ts";
import type { Path } from "./problems.ts";
import type { ControlSettings } from "./schema/accepts.ts";
import { shown } from "./shown.ts";

/** A place of the file that sets controls. */
export interface ControlPlace {
  settings: ControlSettings | undefined;
  path: Path;
}

/**
 * The controls of a target, as these places of the file set them, the most specific last. A control that the target's cloud does not have is a mistake:
 * an operator who sets a guardrail must not get answers without it.
 */
export function controlsOf(places: readonly ControlPlace[], upstream: Upstream, context: ResolveContext): Controls | undefined {
  const known = providers.get(upstream.provider)?.controls.properties ?? {};
  for (const { settings, path } of places) {
    const name = Object.keys(settings ?? {}).find((each) => !Object.hasOwn(known, each));
    if (name === undefined || context.problems.some((problem) => problem.path.join() === [...path, name].join())) continue;
    const text = `expected a control that every target's cloud has, got one that ${upstream.provider}, the cloud of ${shown(upstream.name)}, does not have`;
    context.problems.push({ path: [...path, name], text });
  }
  return mergedControls(places.map(({ settings }) => settings));
}
