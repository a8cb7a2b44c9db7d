/** Draws several charts side by side in one picture. Each has its own scale, because only the variants of one scenario are to be compared. */
import type { BenchResult } from "../result.ts";
import { CHART_WIDTH, chart, chartHeight, isCut } from "./chart.ts";
import type { Figure } from "./figures.ts";
import { line, painted } from "./paint.ts";

interface Board {
  name: string;
  title: string;
  note: string;
  figures: readonly Figure[];
}

const COLUMNS = 2;
const MARGIN = 20;
const GAP = 24;
/** The height above all charts, and the height above each chart. */
const HEAD = 82;
const CAPTION = 38;
const TITLE_SIZE = 17;
const TEXT_SIZE = 12;

const READING = "Bar: median; whisker: least to most. Every chart has its own scale";
const CUT = "; a bar marked › is longer than there is room for";

export function board({ name, title, note, figures }: Board, result: BenchResult): string {
  const columns = Math.min(COLUMNS, figures.length);
  const placed: string[] = [];
  let y = HEAD;
  for (let at = 0; at < figures.length; at += columns) {
    const row = figures.slice(at, at + columns);
    placed.push(...row.map((figure, column) => captioned(figure, MARGIN + column * (CHART_WIDTH + GAP), y, figures)));
    y += CAPTION + Math.max(...row.map(chartHeight)) + GAP;
  }
  return painted({
    id: name,
    title,
    description: figures.map((figure) => `${figure.title} (${figure.scenario})`).join("; "),
    // A picture with one chart is as wide as one with two, so that the heading is not cut.
    width: 2 * MARGIN + COLUMNS * CHART_WIDTH + GAP,
    height: y - GAP + MARGIN,
    inner: [heading(title, `${note} ${READING}${figures.some(isCut) ? CUT : ""}.`, result), ...placed].join("\n"),
  });
}

/** The title of a picture and the facts of its run, because a picture may be shown without its page. */
export function heading(title: string, note: string, { startedAt, commit, rounds, machine }: BenchResult): string {
  const run = `${startedAt.slice(0, 10)}, commit ${commit}, ${machine.processors} × ${machine.model}, ${rounds} ${rounds === 1 ? "round" : "rounds"}`;
  return [
    line(title, { x: MARGIN, y: 30, size: TITLE_SIZE, weight: 600 }),
    line(note, { x: MARGIN, y: 49, size: TEXT_SIZE, colour: "--quiet" }),
    line(run, { x: MARGIN, y: 65, size: TEXT_SIZE, colour: "--quiet" }),
  ].join("\n");
}

function captioned(figure: Figure, x: number, y: number, beside: readonly Figure[]): string {
  const isOneMeasure = beside.every(({ key }) => key === figure.key);
  return [
    line(figure.title, { x, y: y + 14, size: TEXT_SIZE, weight: 600 }),
    line(isOneMeasure ? figure.scenario : `${figure.scenario}, ${figure.measure}`, { x, y: y + 30, size: TEXT_SIZE, colour: "--quiet" }),
    chart(figure)
      .trim()
      .replace("<svg ", `<svg x="${x}" y="${y + CAPTION}" `),
  ].join("\n");
}
