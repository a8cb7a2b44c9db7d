/**
 * Makes the table of `docs/estimation.md`: how far the estimate is from the exact count, by class and size of text, before and after a correction has
 * learned.
 */
import { Correction } from "../../src/limiter/correction.ts";
import { fastTokens, type Tokenizer, weightsOf } from "../../workers/estimate/text.ts";
import { exactTokens } from "./reference.ts";
import { pieces, random, samples } from "./samples.ts";

/** The ratio of estimate to exact count, for a number of texts. */
export interface Spread {
  median: number;
  p5: number;
  p95: number;
}

export interface Line {
  name: string;
  small: Spread;
  middle: Spread;
  /** The ratio for the whole text of about 10 kB. */
  whole: number;
  /** The ratio for the second half of the text, with a correction that has learned from the first half. */
  learned: number;
}

export const UNSEEN = "unseen-";
/** The number of calls from which the correction learns. */
const LEARNING_CALLS = 300;

interface Count {
  estimated: number;
  actual: number;
}

function countBoth(tokenizer: Tokenizer, text: string): Count {
  const estimated = fastTokens(Buffer.from(text, "utf8").toString("latin1"), weightsOf(tokenizer));
  return { estimated, actual: exactTokens(tokenizer, text) };
}

function ratio(tokenizer: Tokenizer, text: string): number {
  const { estimated, actual } = countBoth(tokenizer, text);
  return estimated / actual;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
  return { median: at(0.5), p5: at(0.05), p95: at(0.95) };
}

/** The ratio for a workspace that sends only this class: it makes many calls with pieces of the first half, and then sends the second half. */
function learned(tokenizer: Tokenizer, text: string): number {
  const counts = pieces(text, 1000).map((piece) => countBoth(tokenizer, piece));
  const half = Math.ceil(counts.length / 2);
  const next = random(9);
  const correction = new Correction();
  for (let call = 0; call < LEARNING_CALLS; call++) {
    const { estimated, actual } = counts[Math.floor(next() * half)] ?? { estimated: 0, actual: 0 };
    correction.learn(estimated, actual);
  }
  const rest = counts.slice(half);
  const sum = (of: keyof Count) => rest.reduce((total, count) => total + count[of], 0);
  return (sum("estimated") / sum("actual")) * correction.factor;
}

export function measure(tokenizer: Tokenizer): Line[] {
  const texts = [...samples("holdout")];
  const lines = texts.map(
    ([name, text]): Line => ({
      name,
      small: spread(pieces(text, 100).map((piece) => ratio(tokenizer, piece))),
      middle: spread(pieces(text, 1000).map((piece) => ratio(tokenizer, piece))),
      whole: ratio(tokenizer, text),
      learned: learned(tokenizer, text),
    }),
  );
  return lines.sort((a, b) => Number(a.name.startsWith(UNSEEN)) - Number(b.name.startsWith(UNSEEN)) || (a.name < b.name ? -1 : 1));
}

/** The ratio for all classes in one text of more than 100 kB, as in a busy gateway. */
export function mixed(tokenizer: Tokenizer): number {
  const texts = [...samples("holdout")].filter(([name]) => !name.startsWith(UNSEEN));
  return ratio(tokenizer, texts.map(([, text]) => text).join("\n"));
}

/** The median distance of the whole texts' ratios from 1, and the class with the largest distance. */
export function summary(lines: readonly Line[]): { median: number; worst: Line | undefined } {
  const byDistance = [...lines].sort((a, b) => Math.abs(a.whole - 1) - Math.abs(b.whole - 1));
  const middle = byDistance[Math.floor(byDistance.length / 2)];
  return { median: middle === undefined ? Number.NaN : Math.abs(middle.whole - 1), worst: byDistance.at(-1) };
}

const two = (value: number) => value.toFixed(2);
const range = ({ median, p5, p95 }: Spread) => `${two(median)} (${two(p5)}–${two(p95)})`;

/** The table of one tokenizer in Markdown. */
export function render(tokenizer: Tokenizer): string {
  const lines = measure(tokenizer);
  const seen = lines.filter(({ name }) => !name.startsWith(UNSEEN));
  const { median, worst } = summary(seen);
  const rows = lines.map((line) => {
    const name = line.name.startsWith(UNSEEN) ? `*${line.name.slice(UNSEEN.length)}*` : line.name;
    return `| ${name} | ${range(line.small)} | ${range(line.middle)} | ${two(line.whole)} | ${two(line.learned)} |`;
  });
  return [
    `### ${tokenizer}`,
    "",
    `Median distance of the whole texts ${(median * 100).toFixed(1)} %, worst class ${worst?.name} (${two(worst?.whole ?? Number.NaN)}), all classes in one text ${two(mixed(tokenizer))}.`,
    "",
    "| class | 100 B: median (5–95 %) | 1 kB: median (5–95 %) | 10 kB | learned |",
    "|--|--|--|--|--|",
    ...rows,
    "",
  ].join("\n");
}

export const TOKENIZERS: readonly Tokenizer[] = ["o200k", "cl100k", "claude"];
