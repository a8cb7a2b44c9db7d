/** Judges the figures of an attack, and writes them as a table. */
import { FLOODS } from "./floods.ts";
import type { FillRow, Row } from "./run.ts";

/** No flood may make another workspace's p99 more than this many times as long as without a flood … */
const MOST_TIMES = 3;
/**
 * … or this many times as long as an equal load of good calls makes it, because good calls cannot be forbidden. Two measurements of the same load differ by
 * about this factor.
 */
const LIKE_GOOD = 1.25;
/** Shorter times are no fault: the clock and the scheduler alone can cause them. */
const UNSEEN_MS = 5;
/** Most memory of a process with one worker. */
const MOST_MB = 1_024;
/** The share of a flood's calls that must have one of the expected answers. */
const LEAST_MEANT = 0.9;

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** How long the neighbour's calls took without an attack: medians of all its measurements, since a single one has few calls near its p99. */
export interface Quiet {
  p50: number;
  p99: number;
  largeP50: number;
  largeP90: number;
}

export function quietOf(rows: readonly Row[]): Quiet {
  const of = (name: keyof Quiet) => median(rows.map(({ quiet }) => quiet[name]));
  return { p50: of("p50"), p99: of("p99"), largeP50: of("largeP50"), largeP90: of("largeP90") };
}

/** The longest times, in milliseconds, that the neighbour may have during a flood. */
export interface Bounds {
  p99: number;
  largeP90: number;
}

export function boundsOf(rows: readonly Row[], quiet: Quiet): Bounds {
  const good = rows.filter(({ name }) => FLOODS[name]?.isMeasure);
  const most = (name: keyof Bounds) => Math.max(MOST_TIMES * quiet[name], ...good.map(({ during }) => LIKE_GOOD * during[name]));
  return { p99: most("p99"), largeP90: most("largeP90") };
}

/** One sentence for each thing that is wrong. */
export function wrongIn(row: Row, quiet: Quiet, bounds: Bounds): string[] {
  const { name, during, answers, peakMb } = row;
  const flood = FLOODS[name];
  const wrong: string[] = [];
  if (flood?.expects !== undefined) {
    const all = Object.values(answers).reduce((sum, count) => sum + count, 0);
    const meant = Object.entries(answers).reduce((sum, [answer, count]) => sum + (flood.expects?.test(answer) ? count : 0), 0);
    if (meant === 0 || meant / all < LEAST_MEANT)
      wrong.push(`${name}: its answers were ${JSON.stringify(answers)}, which are not the expected ones`);
  }
  if (Object.keys(during.wrong).length > 0)
    wrong.push(`${name}: the neighbour got ${JSON.stringify(during.wrong)} of ${during.calls} calls`);
  if (peakMb > MOST_MB) wrong.push(`${name}: ${peakMb} MB`);
  if (flood?.isMeasure) return wrong;
  const figures = [
    ["p99", during.p99, quiet.p99, bounds.p99],
    ["large calls, p90", during.largeP90, quiet.largeP90, bounds.largeP90],
  ] as const;
  for (const [what, ms, quietMs, mostMs] of figures) {
    if (!(ms <= mostMs || ms < UNSEEN_MS))
      wrong.push(
        `${name}: ${what} ${ms.toFixed(1)} ms, ${(ms / quietMs).toFixed(1)} times as long as without it; the bound is ${mostMs.toFixed(1)} ms`,
      );
  }
  return wrong;
}

export function wrongInFill({ name, peakMb }: FillRow): string[] {
  return peakMb > MOST_MB ? [`${name}: ${peakMb} MB`] : [];
}

export function floodLine({ name, during, answers, peakMb }: Row, quiet: Quiet): string {
  const cells = [
    name,
    `${during.p50.toFixed(1)}`,
    `${during.p99.toFixed(1)}`,
    `${(during.p99 / quiet.p99).toFixed(1)}`,
    `${during.largeP50.toFixed(1)}`,
    `${during.largeP90.toFixed(1)}`,
    `${(during.largeP90 / quiet.largeP90).toFixed(1)}`,
    String(peakMb),
    counted(answers),
  ];
  return `| ${cells.join(" | ")} |`;
}

export function fillLine({ name, answers, peakMb }: FillRow): string {
  return `| ${name} | ${peakMb} | ${counted(answers)} |`;
}

function counted(answers: Record<string, number>): string {
  return Object.entries(answers)
    .map(([answer, count]) => `${answer}: ${count}`)
    .join(", ");
}

export const FLOOD_HEAD = `| flood | p50 ms | p99 ms | times | large p50 ms | large p90 ms | times | MB (most: ${MOST_MB}) | answers |
|--|--|--|--|--|--|--|--|--|`;
export const FILL_HEAD = `| what fills memory | MB (most: ${MOST_MB}) | answers |
|--|--|--|`;
