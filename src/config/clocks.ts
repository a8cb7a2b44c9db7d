import type { Timeouts } from "../contract/config.ts";
import { isWithin, type Path } from "./problems.ts";
import type { TimeoutSettings } from "./schema.ts";
import type { Setting } from "./setting.ts";
import { durationText, milliseconds } from "./units.ts";

const DAY_MS = 86_400_000;

export function clocks(base: Timeouts, settings: TimeoutSettings, path: Path, setting: Setting): Timeouts {
  const clock = (key: "connect" | "first_byte" | "silence" | "total", fallback: number) =>
    settings?.[key] === undefined ? fallback : span(settings[key], [...path, key], 1, setting);
  return {
    connectMs: clock("connect", base.connectMs),
    firstByteMs: clock("first_byte", base.firstByteMs),
    silenceMs: clock("silence", base.silenceMs),
    totalMs: clock("total", base.totalMs),
  };
}

/** Milliseconds of a duration; timers hold 24 days, and nothing here should last a day. */
export function span(duration: string, path: Path, least: number, setting: Setting): number {
  const length = milliseconds(duration);
  if (length < least || length > DAY_MS) {
    const problem = { path, text: `expected a duration from ${durationText(least)} to 24h, got ${durationText(length)}` };
    // A model's clocks are read once for each of its targets.
    if (!setting.problems.some((known) => isWithin(known.path, path))) setting.problems.push(problem);
  }
  return length;
}
