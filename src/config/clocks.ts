import type { Timeouts } from "../contract/config.ts";
import type { ResolveContext } from "./context.ts";
import { isWithin, type Path } from "./problems.ts";
import type { TimeoutSettings } from "./schema/models.ts";
import { durationText, milliseconds } from "./units.ts";

const DAY_MS = 86_400_000;
const SECOND_MS = 1_000;
/** The longest time for which a silent connection may keep its place among `server.max_connections`. */
const MOST_SILENCE_MS = 240_000;

export function clocks(base: Timeouts, settings: TimeoutSettings, path: Path, context: ResolveContext): Timeouts {
  const clock = (key: "connect" | "first_byte" | "silence" | "total", fallback: number) =>
    settings?.[key] === undefined ? fallback : span(settings[key], [...path, key], 1, context);
  return {
    connectMs: clock("connect", base.connectMs),
    firstByteMs: clock("first_byte", base.firstByteMs),
    silenceMs: clock("silence", base.silenceMs),
    totalMs: clock("total", base.totalMs),
  };
}

/** Milliseconds of a duration. It is a mistake where it is shorter than `least` or longer than `most`; no wait here should last more than a day. */
export function span(duration: string, path: Path, least: number, context: ResolveContext, most: number = DAY_MS): number {
  const length = milliseconds(duration);
  if (length < least || length > most) {
    const problem = { path, text: `expected a duration from ${durationText(least)} to ${durationText(most)}, got ${durationText(length)}` };
    // A model's clocks are read once for each of its targets.
    if (!context.problems.some((known) => isWithin(known.path, path))) context.problems.push(problem);
  }
  return length;
}

/** Milliseconds for which a client's connection may be silent. */
export function silence(duration: string, path: Path, context: ResolveContext): number {
  return span(duration, path, SECOND_MS, context, MOST_SILENCE_MS);
}
