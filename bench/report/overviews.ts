/** The pictures of a run for the documentation. Each shows one or two measures of some scenarios. */
import type { BenchResult, Measure } from "../result.ts";
import { reached } from "../targets.ts";
import { board } from "./board.ts";
import { type Figure, sections } from "./figures.ts";
import { targetChart } from "./target-chart.ts";

export interface Picture {
  /** The name of its file, without the ending. */
  name: string;
  svg: string;
  /** The description for readers who do not see the picture. Tables on the page and descriptions inside the picture have the figures. */
  alternative: string;
}

/** The picture of all targets at once. */
export const TARGETS = "targets";

interface Overview {
  name: string;
  title: string;
  /** How to read the picture. */
  note: string;
  measures: readonly Measure[];
  /** Matches the names of its scenarios; where it is missing, all that were measured are shown. */
  scenarios?: RegExp;
}

const LESS = "Less is better.";

const OVERVIEWS: readonly Overview[] = [
  { name: "cpu-per-request", title: "CPU per request, µs", note: LESS, measures: ["cpuMicros"] },
  { name: "cpu-per-chunk", title: "CPU per chunk of a stream, µs", note: LESS, measures: ["cpuMicrosPerChunk"] },
  {
    name: "requests-per-second",
    title: "Requests per second",
    note: "More is better; load generator and stand-in share the machine.",
    measures: ["requestsPerSecond"],
    // In other scenarios the load itself sets how many calls there are.
    scenarios: /-(2kb|200kb|burst|whole)(-tls)?$/,
  },
  {
    name: "added-latency",
    title: "Latency added to a direct call, one caller, ms",
    note: LESS,
    measures: ["addedP50Ms", "addedP99Ms"],
  },
  {
    name: "arrivals",
    title: "Latency where calls begin at fixed times, ms",
    note: LESS,
    measures: ["p50Ms", "p99Ms"],
    scenarios: /-arrivals-/,
  },
  { name: "memory-per-stream", title: "Memory per open slow stream, bytes", note: LESS, measures: ["rssPerStreamBytes"] },
  { name: "neighbours", title: "Rise of p99 beside a neighbour, ms", note: LESS, measures: ["riseP99Ms"] },
];

/** All pictures in the order of the page, without those of what was not measured. */
export function pictures(result: BenchResult): Picture[] {
  const all = sections(result).flatMap(({ figures }) => figures);
  const overviews = OVERVIEWS.flatMap((overview): Picture[] => {
    const shown = all.filter(
      ({ key, scenario }) => overview.measures.some((measure) => measure === key) && (overview.scenarios?.test(scenario) ?? true),
    );
    if (shown.length === 0) return [];
    const { name, title, note } = overview;
    return [{ name, svg: board({ name, title, note, figures: shown }, result), alternative: described(title, shown) }];
  });
  return [...targetPicture(result), ...overviews];
}

function targetPicture(result: BenchResult): Picture[] {
  const found = reached(result);
  if (found.length === 0) return [];
  const met = found.filter(({ isMet }) => isMet).length;
  const alternative = `What was measured, divided by its target: ${met} of ${found.length} are met. The figures are in the table above.`;
  return [{ name: TARGETS, svg: targetChart(result), alternative }];
}

function described(title: string, figures: readonly Figure[]): string {
  const variants = new Set(figures.flatMap(({ rows }) => rows.map(({ variant }) => variant)));
  const scenarios = new Set(figures.map(({ scenario }) => scenario));
  return `${title}, of ${[...variants].join(", ")}, in ${[...scenarios].join(", ")}. The figures are in the tables below.`;
}
