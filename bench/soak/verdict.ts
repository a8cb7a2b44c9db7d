/** The result of a run: the slope of each series, and whether anything was left over. */
import { type Sample, SERIES, type SeriesName } from "./samples.ts";
import { type Point, type Slope, slopeOf } from "./slope.ts";

export interface Sampled {
  /** Milliseconds since the beginning of the load. */
  ms: number;
  sample: Sample;
}

export interface Finding {
  name: SeriesName;
  first: number;
  last: number;
  slope: Slope;
  /** What is wrong with the series, in one sentence; undefined where nothing is. */
  wrong: string | undefined;
}

/**
 * @param samples all samples, in order
 * @param warmUpMs samples before this time are left out
 */
export function findingsOf(samples: readonly Sampled[], warmUpMs: number): Finding[] {
  const counted = samples.filter(({ ms }) => ms >= warmUpMs);
  return (Object.keys(SERIES) as SeriesName[]).map((name) => {
    const points = counted.map(({ ms, sample }): Point => ({ ms, value: sample[name] }));
    const slope = slopeOf(points);
    return { name, first: points[0]?.value ?? 0, last: points.at(-1)?.value ?? 0, slope, wrong: wrongWith(name, points, slope) };
  });
}

function wrongWith(name: SeriesName, points: readonly Point[], { low, high }: Slope): string | undefined {
  const { title, unit, rule, room = 0 }: { title: string; unit: string; rule: string; room?: number } = SERIES[name];
  if (rule === "none") {
    const left = points.find(({ value }) => value !== 0);
    return left && `${title}: ${number(left.value)} left after ${Math.round(left.ms / 1_000)} s, when there were no calls any more`;
  }
  return low > room ? `${title}: grows by ${number(low)} to ${number(high)} ${unit} an hour`.replace("  ", " ") : undefined;
}

export function table(findings: readonly Finding[]): string {
  const rows = findings.map(({ name, first, last, slope, wrong }) => {
    const { title, unit, rule } = SERIES[name];
    const verdict =
      wrong !== undefined
        ? rule === "none"
          ? "left over"
          : "grows"
        : rule === "none"
          ? "nothing left"
          : slope.high < 0
            ? "falls"
            : "level";
    return `| ${title}${unit === "" ? "" : ` (${unit})`} | ${number(first)} | ${number(last)} | ${number(slope.value)} | ${number(slope.low)} to ${number(slope.high)} | ${verdict} |`;
  });
  return ["| what | first | last | slope per hour | with 95 % confidence | |", "|--|--|--|--|--|--|", ...rows].join("\n");
}

function number(value: number): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return (Number(value.toFixed(digits)) + 0).toString().replace("-", "−");
}
