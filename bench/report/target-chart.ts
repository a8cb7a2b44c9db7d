/** Draws all targets on one scale: the measured value divided by the target. */
import { type BenchResult, median } from "../result.ts";
import { figure as written } from "../table.ts";
import { type Reached, reached } from "../targets.ts";
import { heading } from "./board.ts";
import { type Api, AXIS_TEXT, drawn, FONT } from "./chart.ts";
import { painted } from "./paint.ts";

const WIDTH = 984;
const HEAD = 82;
const ROW_HEIGHT = 22;
const FOOT = 44;
const MARGIN = 20;
const NAMES_WIDTH = 190;
const FIGURE_WIDTH = 280;
/** Rows are cut at this multiple of the target: otherwise one long row would make all others small. */
const FURTHEST = 4;

/** The name of a measure as a heading, or one of its targets. */
type Row = { heading: string } | { target: Reached };

export function targetChart(result: BenchResult): string {
  const rows = grouped(reached(result));
  const height = rows.length * ROW_HEIGHT + FOOT;
  const title = "Targets";
  const isCut = rows.some((row) => "target" in row && times(row.target) > FURTHEST);
  const cut = isCut ? " A bar marked › is longer than there is room for." : "";
  return painted({
    id: "targets",
    title,
    description: rows.flatMap((row) => ("target" in row ? [`${row.target.scenario} ${outcome(row.target)}`] : [])).join("; "),
    width: WIDTH,
    height: HEAD + height,
    inner:
      `${heading(title, `Measured ÷ aimed at: 1 or less is met. Bar: median; whisker: least to most.${cut}`, result)}\n` +
      `<g transform="translate(0 ${HEAD})">${drawn(described(rows), WIDTH, height)}</g>`,
  });
}

/** The rows: each measure, followed by its targets. */
function grouped(targets: readonly Reached[]): Row[] {
  const measures = [...new Set(targets.map(({ measure }) => measure))];
  return measures.flatMap((measure): Row[] => [
    { heading: measure },
    ...targets.filter((target) => target.measure === measure).map((target): Row => ({ target })),
  ]);
}

const outcome = ({ figures, most, unit, isMet }: Reached): string =>
  `${written(median(figures))} ${unit}, aimed at ≤ ${written(most)}: ${isMet ? "met" : "missed"}`;

const times = ({ figures, most }: Reached): number => median(figures) / most;

const within = (part: number): number => Math.max(0, Math.min(FURTHEST, part));

function described(rows: readonly Row[]) {
  const bars = rows.map((row) => ("target" in row ? within(times(row.target)) : 0));
  return {
    animation: false,
    grid: { left: NAMES_WIDTH, right: FIGURE_WIDTH, top: 2, bottom: FOOT - 4, outerBoundsMode: "none" },
    xAxis: {
      type: "value",
      min: 0,
      max: FURTHEST,
      interval: 1,
      axisLabel: { ...AXIS_TEXT, color: "var(--quiet)", formatter: (at: number) => (at === 1 ? "the target" : `${at} ×`) },
      splitLine: { lineStyle: { color: "var(--line)" } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map((row) => ("target" in row ? `{scenario|${row.target.scenario}}` : `{heading|${row.heading}}`)),
      axisTick: { show: false },
      axisLine: { lineStyle: { color: "var(--quiet)" } },
      axisLabel: {
        interval: 0,
        align: "left",
        margin: NAMES_WIDTH - MARGIN,
        rich: {
          // A heading is longer than the names' column, so it covers the lines of the chart.
          heading: { ...AXIS_TEXT, fontWeight: 600, color: "var(--ink)", backgroundColor: "var(--paper)", padding: [3, 6, 3, 0] },
          scenario: { ...AXIS_TEXT, color: "var(--ink)", padding: [0, 0, 0, 12] },
        },
      },
    },
    series: [
      {
        type: "bar",
        silent: true,
        barWidth: 12,
        data: bars.map((value, at) => ({ value, itemStyle: { color: isMet(rows[at]) ? "var(--subject)" : "var(--missed)" } })),
      },
      {
        type: "custom",
        silent: true,
        z: 3,
        data: rows.map((_, at) => [at, 0]),
        renderItem: (_: unknown, api: Api) => marks(rows, api),
      },
    ],
  };
}

const isMet = (row: Row | undefined): boolean => row !== undefined && "target" in row && row.target.isMet;

/** The line at the target, the whisker, and the figures. */
function marks(rows: readonly Row[], api: Api) {
  const at = api.value(0);
  const row = rows[at];
  if (row === undefined || !("target" in row)) return { type: "group", children: [] };
  const { figures, most } = row.target;
  const x = (part: number): number => api.coord([within(part), at])[0];
  const y = api.coord([0, at])[1];
  const [least, furthest] = [Math.min(...figures) / most, Math.max(...figures) / most];
  const line = (x1: number, y1: number, x2: number, y2: number, lineWidth = 1.2) => ({
    type: "line",
    shape: { x1, y1, x2, y2 },
    style: { stroke: "var(--ink)", lineWidth, fill: "none" },
  });
  const whisker = least === furthest ? [] : [line(x(least), y, x(furthest), y), line(x(least), y - 4, x(least), y + 4)];
  // A whisker that is cut has no visible end.
  const end = least === furthest || furthest > FURTHEST ? [] : [line(x(furthest), y - 4, x(furthest), y + 4)];
  const text = `${times(row.target) > FURTHEST ? "› " : ""}${outcome(row.target)}`;
  return {
    type: "group",
    children: [
      line(x(1), y - ROW_HEIGHT / 2 + 1, x(1), y + ROW_HEIGHT / 2 - 1, 2),
      ...whisker,
      ...end,
      { type: "text", style: { x: x(FURTHEST) + 10, y, text, font: FONT, fill: "var(--ink)", verticalAlign: "middle" } },
    ],
  };
}
