/**
 * Draws a dashboard of `deploy/grafana` as one SVG, from what its own queries answer: the panels in their places, with their titles, units, thresholds and
 * legends. Grafana itself is not in the registries that the tests may use, so each picture says what has drawn it.
 */
import { LineChart } from "echarts/charts";
import { GridComponent } from "echarts/components";
import { use } from "echarts/core";
import { drawn } from "../../bench/report/chart.ts";
import { escaped } from "../../bench/report/escape.ts";
import type { Dashboard, Panel } from "./dashboards.ts";

use([LineChart, GridComponent]);

const COLUMN = 50;
const ROW = 34;
const GAP = 8;
const HEAD = 40;
const TITLE = 26;
const LEGEND_LINE = 15;
const LEGEND_MOST = 5;
const FIGURE_WIDTH = 76;
const INK = "#24292f";
const QUIET = "#656d76";
const LINE = "#d8dee4";
const COLOURS = ["#3f8f3f", "#c9a100", "#2f79c4", "#d9730d", "#c4314b", "#1f60a8", "#9c5fb5", "#6a4fa3", "#2f6b2f", "#8a6d00"];
const NAMED: Readonly<Record<string, string>> = { green: "#3f8f3f", orange: "#d9730d", red: "#c4314b" };

/** What a query of a panel has answered: the name of the series as its legend says it, and its points, in milliseconds since 1970. */
export interface Curve {
  name: string;
  points: [ms: number, value: number][];
}

export function drawing(dashboard: Dashboard, curves: ReadonlyMap<Panel, Curve[]>, note: string): string {
  const width = 24 * COLUMN;
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const height = HEAD + bottom * ROW + 30;
  const parts = dashboard.panels.map((panel) => {
    const { x, y, w, h } = panel.gridPos;
    const box = { width: w * COLUMN - GAP, height: h * ROW - GAP };
    return `<g transform="translate(${x * COLUMN + GAP / 2} ${HEAD + y * ROW})">${drawPanel(panel, curves.get(panel) ?? [], box)}</g>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" role="img">
<title>${escaped(`The dashboard "${dashboard.title}"`)}</title>
<rect width="${width}" height="${height}" fill="#f6f8fa"/>
${words(dashboard.title, GAP, 26, { size: 18, weight: 600 })}
${parts.join("\n")}
${words(note, GAP, height - 10, { size: 11, colour: QUIET })}
</svg>
`;
}

interface Box {
  width: number;
  height: number;
}

function drawPanel(panel: Panel, curves: readonly Curve[], box: Box): string {
  if (panel.type === "row") return words(panel.title, 2, 20, { size: 14, weight: 600 });
  const frame = `<rect width="${box.width}" height="${box.height}" rx="3" fill="#fff" stroke="${LINE}"/>${words(panel.title, 8, 18, { weight: 600 })}`;
  if (panel.type === "stat") return frame + figures(panel, curves, box);
  if (panel.type === "timeseries") return frame + plot(panel, curves, box);
  throw new Error(`no drawing for a panel of the type ${panel.type}`);
}

/** One large figure for each series: its last value, in the colour of the threshold that it has passed. */
function figures({ fieldConfig: { defaults } }: Panel, curves: readonly Curve[], box: Box): string {
  const across = Math.max(1, Math.min(curves.length, 5));
  const down = Math.max(1, Math.ceil(curves.length / across));
  const cell = { width: box.width / across, height: (box.height - TITLE) / down };
  return curves
    .map(({ name, points }, at) => {
      const value = points.at(-1)?.[1] ?? Number.NaN;
      const mapped = defaults.mappings?.[0]?.options[String(value)];
      const step = (defaults.thresholds?.steps ?? []).filter((one) => one.value === null || value >= one.value).at(-1);
      const colour = NAMED[mapped?.color ?? step?.color ?? ""] ?? INK;
      const [x, y] = [((at % across) + 0.5) * cell.width, TITLE + (Math.floor(at / across) + 0.5) * cell.height];
      const text =
        mapped?.text ?? (name !== "" && value === 1 && defaults.unit === "short" ? name : quantity(value, defaults.unit ?? "short"));
      const size = Math.min(30, cell.height / 2, (cell.width / text.length) * 1.6);
      const below = mapped === undefined ? "" : words(name, x, y + 18, { size: 10, colour: QUIET, anchor: "middle" });
      return words(text, x, y + (below === "" ? size / 3 : 2), { size, weight: 600, colour, anchor: "middle" }) + below;
    })
    .join("");
}

function plot({ fieldConfig: { defaults } }: Panel, curves: readonly Curve[], box: Box): string {
  const { unit = "short", min, max, custom } = defaults;
  const shown = Math.min(curves.length, curves.length > LEGEND_MOST ? LEGEND_MOST - 1 : LEGEND_MOST);
  const legendHeight = LEGEND_LINE * (Math.min(curves.length, LEGEND_MOST) + 1);
  const height = box.height - TITLE - legendHeight - 4;
  const small = { fontSize: 10, fontFamily: "system-ui, sans-serif", color: QUIET };
  const isStacked = custom?.stacking.mode === "normal";
  // Curves are stacked point by point, and one may begin later than another.
  const moments = [...new Set(curves.flatMap(({ points }) => points.map(([ms]) => ms)))].sort((a, b) => a - b);
  const chart = drawn(
    {
      animation: false,
      color: COLOURS,
      grid: { left: 62, right: 12, top: 6, bottom: 20, outerBoundsMode: "none" },
      xAxis: {
        type: "time",
        axisLabel: { ...small, formatter: "{HH}:{mm}", hideOverlap: true },
        splitLine: { show: true, lineStyle: { color: LINE } },
      },
      yAxis: {
        type: "value",
        splitNumber: 3,
        ...(typeof min === "number" ? { min } : { scale: true }),
        ...(typeof max === "number" ? { max, interval: max / 4 } : {}),
        axisLabel: { ...small, formatter: (value: number) => quantity(value, unit) },
        splitLine: { lineStyle: { color: LINE } },
      },
      series: curves.map((curve) => ({
        type: "line",
        showSymbol: false,
        silent: true,
        ...(isStacked ? { stack: "all" } : {}),
        // A curve that is 0 all the time would cover the curve below it.
        lineStyle: { width: isStacked && isNothing(curve) ? 0 : 1.2 },
        areaStyle: { opacity: (custom?.fillOpacity ?? 0) / 100 },
        data: moments.map((ms) => [ms, valueAt(curve, ms)]),
      })),
    },
    box.width,
    height,
  );
  const top = TITLE + height + 10;
  const heads = curves.length === 0 ? [] : ["mean", "max"].map((head, at) => figure(head, box, top, at));
  const lines = curves.slice(0, shown).map(({ name, points }, at) => {
    const y = top + (at + 1) * LEGEND_LINE;
    const values = points.map(([, value]) => value).filter((value) => Number.isFinite(value));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const swatch = `<rect x="10" y="${y - 7}" width="12" height="4" fill="${COLOURS[at % COLOURS.length]}"/>`;
    const label = words(cut(name === "" ? "value" : name, (box.width - 2 * FIGURE_WIDTH) / 6), 28, y, { size: 11 });
    return swatch + label + figure(quantity(mean, unit), box, y, 0) + figure(quantity(Math.max(...values), unit), box, y, 1);
  });
  const more =
    curves.length > shown
      ? words(`and ${curves.length - shown} more`, 28, top + (shown + 1) * LEGEND_LINE, { size: 11, colour: QUIET })
      : "";
  return `<g transform="translate(0 ${TITLE})">${chart}</g>${heads.join("")}${lines.join("")}${more}`;
}

const isNothing = ({ points }: Curve): boolean => points.every(([, value]) => value === 0);

function valueAt({ points }: Curve, moment: number): number | null {
  const value = points.find(([ms]) => ms === moment)?.[1] ?? Number.NaN;
  return Number.isFinite(value) ? value : null;
}

function figure(text: string, box: Box, y: number, column: number): string {
  return words(text, box.width - 10 - (1 - column) * FIGURE_WIDTH, y, { size: 11, colour: QUIET, anchor: "end" });
}

interface Look {
  size?: number;
  weight?: number;
  colour?: string;
  anchor?: "start" | "middle" | "end";
}

function words(text: string, x: number, y: number, { size = 12, weight = 400, colour = INK, anchor = "start" }: Look = {}): string {
  return `<text x="${round(x)}" y="${round(y)}" font-size="${round(size)}" font-weight="${weight}" fill="${colour}" text-anchor="${anchor}">${escaped(text)}</text>`;
}

const round = (value: number): number => Math.round(value * 10) / 10;
const cut = (text: string, most: number): string => (text.length <= most ? text : `${text.slice(0, most - 1)}…`);

const DAY = 86_400;
/** For each unit of Grafana that the dashboards use: words, each with the number of units that it stands for, and from which it is used. */
const SCALES: Readonly<Record<string, readonly [from: number, of: number, word: string][]>> = {
  s: [
    [2 * DAY, DAY, " days"],
    [7_200, 3_600, " h"],
    [120, 60, " min"],
    [1, 1, " s"],
    [1e-3, 1e-3, " ms"],
    [0, 1e-6, " µs"],
  ],
  bytes: [
    [2 ** 30, 2 ** 30, " GiB"],
    [2 ** 20, 2 ** 20, " MiB"],
    [2 ** 10, 2 ** 10, " KiB"],
    [0, 1, " B"],
  ],
  percentunit: [[0, 0.01, " %"]],
  reqps: [[0, 1, " req/s"]],
  ops: [[0, 1, " ops/s"]],
  short: [
    [1e6, 1e6, " M"],
    [1e4, 1e3, " k"],
    [0, 1, ""],
  ],
};

/** A value as a person reads it: three digits and a unit. */
function quantity(value: number, unit: string): string {
  const scales = SCALES[unit];
  if (scales === undefined) throw new Error(`no words for the unit ${unit}`);
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const [, of, word] = scales.find(([from]) => Math.abs(value) >= from) ?? [0, 1, ""];
  return `${Number((value / of).toPrecision(Math.abs(value / of) < 0.1 ? 2 : 3))}${word}`;
}
