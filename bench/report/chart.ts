/** Draws one figure as SVG: a bar for the median of each variant, a whisker from the least to the most. ECharts does it, without a browser. */
import { BarChart, CustomChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { figure as written } from "../table.ts";
import { escaped } from "./escape.ts";
import type { Figure, Row } from "./figures.ts";

use([BarChart, CustomChart, GridComponent, SVGRenderer]);

const WIDTH = 460;
const ROW_HEIGHT = 26;
/** For the axis and its figures. */
const FOOT = 28;
const NAMES_WIDTH = 84;
const FIGURE_WIDTH = 62;
const FONT = "12px system-ui, sans-serif";
const CAP = 4;
/** What the report is about. */
const SUBJECT = "weir";

/** A chart whose colours are the page's: `--ink`, `--quiet`, `--line`, `--bar`, `--subject`. */
export function chart(figure: Figure): string {
  const height = figure.rows.length * ROW_HEIGHT + FOOT;
  const canvas = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  try {
    canvas.setOption(described(figure));
    return named(canvas.renderToSVGString(), figure, height);
  } finally {
    canvas.dispose();
  }
}

function described({ rows }: Figure): EChartsCoreOption {
  const small = { fontSize: 12, fontFamily: "system-ui, sans-serif" };
  return {
    animation: false,
    grid: { left: NAMES_WIDTH, right: FIGURE_WIDTH, top: 2, bottom: FOOT - 4, outerBoundsMode: "none" },
    xAxis: {
      type: "value",
      splitNumber: 4,
      axisLabel: { ...small, color: "var(--quiet)", formatter: short, hideOverlap: true },
      splitLine: { lineStyle: { color: "var(--line)" } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map(({ variant }) => variant),
      axisLabel: { ...small, color: "var(--ink)", width: NAMES_WIDTH - 20, overflow: "truncate", interval: 0 },
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
        // The axis has to reach both ends.
        encode: { x: [1, 2], y: 0 },
        data: rows.map(({ least, most }, at) => [at, least, most]),
        renderItem: (_: unknown, api: Api) => whisker(rows, api),
      },
    ],
  };
}

/** What ECharts hands to a custom series. */
interface Api {
  value(dimension: number): number;
  coord(point: [number, number]): [number, number];
}

function whisker(rows: readonly Row[], api: Api) {
  const at = api.value(0);
  const [from, y] = api.coord([api.value(1), at]);
  const [to] = api.coord([api.value(2), at]);
  const style = { stroke: "var(--ink)", lineWidth: 1.2, fill: "none" };
  const line = (x1: number, y1: number, x2: number, y2: number) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
  const text = written(rows[at]?.median ?? 0);
  return {
    type: "group",
    children: [
      line(from, y, to, y),
      line(from, y - CAP, from, y + CAP),
      line(to, y - CAP, to, y + CAP),
      { type: "text", style: { x: to + 7, y, text, font: FONT, fill: "var(--ink)", verticalAlign: "middle" } },
    ],
  };
}

const short = (number: number): string => Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 }).format(number);

/** With a name and a description for those who do not see it, and without what ECharts adds for its own script. */
function named(svg: string, figure: Figure, height: number): string {
  const inner = svg
    .slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>"))
    .replace(/<style\b[\s\S]*?<\/style>/g, "")
    .replace(/ (?:ecmeta_\w+|class|pointer-events|xml:space)="[^"]*"/g, "");
  const description = figure.rows
    .map((row) => `${row.variant} ${written(row.median)} (${written(row.least)} to ${written(row.most)})`)
    .join("; ");
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" ` +
    `aria-labelledby="${figure.id}-title ${figure.id}-desc"><title id="${figure.id}-title">${escaped(`${figure.title}: ${figure.measure}`)}</title>` +
    `<desc id="${figure.id}-desc">${escaped(`Median, least to most: ${description}`)}</desc>${inner.trim()}</svg>\n`
  );
}

/** The same chart for a file of its own, which brings its colours. */
export const standalone = (svg: string, colours: string): string => svg.replace("<title", `<style>${colours}</style><title`);
