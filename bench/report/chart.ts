/** Draws one figure as SVG, with ECharts and without a browser: for each variant a bar for the median, and a whisker from the least to the most. */
import { BarChart, CustomChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Measure } from "../result.ts";
import { figure as written } from "../table.ts";
import { escaped } from "./escape.ts";
import type { Figure, Row } from "./figures.ts";

use([BarChart, CustomChart, GridComponent, SVGRenderer]);

export const CHART_WIDTH = 460;
const ROW_HEIGHT = 26;
/** The height of the axis and its figures. */
const FOOT = 28;
const NAMES_WIDTH = 84;
const FIGURE_WIDTH = 84;
export const FONT = "12px system-ui, sans-serif";
export const AXIS_TEXT = { fontSize: 12, fontFamily: "system-ui, sans-serif" };
const CAP = 4;
/** The variant that the report is about. */
const SUBJECT = "weir";
/** Bars are cut at this multiple of the subject's own figure: one that is a hundred times as long would hide how the others differ. */
const FURTHEST = 3;
const CUT_OFF = "› ";

/** A chart that uses the colours of its page: `--ink`, `--quiet`, `--line`, `--bar`, `--subject`. */
export function chart(figure: Figure): string {
  const height = chartHeight(figure);
  return named(drawn(described(figure), CHART_WIDTH, height), figure, height);
}

export const chartHeight = ({ rows }: Figure): number => rows.length * ROW_HEIGHT + FOOT;

/** The elements of a drawing, without what ECharts adds for its own script. */
export function drawn(options: EChartsCoreOption, width: number, height: number): string {
  const canvas = init(null, null, { renderer: "svg", ssr: true, width, height });
  try {
    canvas.setOption(options);
    const svg = canvas.renderToSVGString();
    return svg
      .slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"))
      .replace(/<style\b[\s\S]*?<\/style>/g, "")
      .replace(/ (?:ecmeta_\w+|class|pointer-events|xml:space)="[^"]*"/g, "")
      .trim();
  } finally {
    canvas.dispose();
  }
}

/** Measures where more is better. Their bars are not cut, because a cut would hide how much better the others are. */
const UNCUT: ReadonlySet<string> = new Set<Measure>(["requestsPerSecond"]);

/** The end of the axis where bars are cut; undefined where none is. */
function endOf({ key, rows }: Figure): number | undefined {
  if (UNCUT.has(key)) return undefined;
  const most = rows.find(({ variant }) => variant === SUBJECT)?.most ?? 0;
  return most > 0 && rows.some(({ median }) => median > FURTHEST * most) ? FURTHEST * most : undefined;
}

/** Whether a chart has a bar that is cut off. */
export const isCut = (figure: Figure): boolean => endOf(figure) !== undefined;

function described(figure: Figure): EChartsCoreOption {
  const { rows } = figure;
  const end = endOf(figure);
  return {
    animation: false,
    grid: { left: NAMES_WIDTH, right: FIGURE_WIDTH, top: 2, bottom: FOOT - 4, outerBoundsMode: "none" },
    xAxis: {
      type: "value",
      splitNumber: 4,
      ...(end === undefined ? {} : { max: end }),
      // The end of a cut axis is no round number, so it has no label.
      axisLabel: { ...AXIS_TEXT, color: "var(--quiet)", formatter: short, hideOverlap: true, showMaxLabel: end === undefined },
      splitLine: { lineStyle: { color: "var(--line)" } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(({ variant }) => variant),
      axisLabel: { ...AXIS_TEXT, color: "var(--ink)", width: NAMES_WIDTH - 20, overflow: "truncate", interval: 0 },
      axisTick: { show: false },
      axisLine: { onZero: true, lineStyle: { color: "var(--quiet)" } },
    },
    series: [
      {
        type: "bar",
        silent: true,
        barWidth: 15,
        data: rows.map(({ variant, median }) => ({
          value: median,
          itemStyle: { color: variant === SUBJECT ? "var(--subject)" : "var(--bar)" },
        })),
      },
      {
        type: "custom",
        silent: true,
        z: 3,
        // The axis must be long enough for both ends of the whisker.
        encode: { x: [1, 2], y: 0 },
        data: rows.map(({ least, most }, at) => [at, least, most]),
        renderItem: (_: unknown, api: Api) => whisker(rows, api, end),
      },
    ],
  };
}

/** What ECharts passes to a custom series. */
export interface Api {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
}

/** A line from the least to the most, as far as the axis goes, and the median as a number to its right, also where it is negative. */
function whisker(rows: readonly Row[], api: Api, end = Number.POSITIVE_INFINITY) {
  const at = api.value(0);
  const [least, most, middle] = [api.value(1), api.value(2), rows[at]?.median ?? 0];
  const [from, y] = api.coord([Math.min(least, end), at]);
  const [to] = api.coord([Math.min(most, end), at]);
  const [zero] = api.coord([0, at]);
  const style = { stroke: "var(--ink)", lineWidth: 1.2, fill: "none" };
  const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
  const cap = (x: number) => line(x, y - CAP, x, y + CAP);
  const isCutOff = middle > end;
  const text = `${isCutOff ? CUT_OFF : ""}${written(middle)}`;
  return {
    type: "group",
    children: [
      ...(isCutOff ? [] : [line(from, y, to, y), cap(from)]),
      ...(most > end ? [] : [cap(to)]),
      { type: "text", style: { x: Math.max(to, zero) + 7, y, text, font: FONT, fill: "var(--ink)", verticalAlign: "middle" } },
    ],
  };
}

const short = (number: number): string => Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(number);

/** Adds a title and a description, for readers who do not see the chart. */
function named(inner: string, figure: Figure, height: number): string {
  const description = figure.rows
    .map((row) => `${row.variant} ${written(row.median)} (${written(row.least)} to ${written(row.most)})`)
    .join("; ");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${CHART_WIDTH} ${height}" width="${CHART_WIDTH}" height="${height}" role="img" ` +
    `aria-labelledby="${figure.id}-title ${figure.id}-desc"><title id="${figure.id}-title">${escaped(`${figure.title}: ${figure.measure}`)}</title>` +
    `<desc id="${figure.id}-desc">${escaped(`Median, least to most: ${description}`)}</desc>${inner}</svg>\n`
  );
}

/** The same chart with its own colours, for a separate file. */
export const standalone = (svg: string, colours: string): string => svg.replace("<title", `<style>${colours}</style><title`);
