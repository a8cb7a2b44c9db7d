/** Shows whether a series grows: fits a straight line, and says how certain its slope is. */

export interface Slope {
  /** The slope per hour. */
  value: number;
  /** The ends of the interval in which the true slope is with 95 % confidence. */
  low: number;
  high: number;
}

/** One measured value. */
export interface Point {
  /** Milliseconds since the beginning. */
  ms: number;
  value: number;
}

const HOUR_MS = 3_600_000;
/** A line through two points always fits exactly. */
export const LEAST_POINTS = 4;
/** More autocorrelation than this is counted as this much: otherwise the error would become infinite. */
const MOST_LIKENESS = 0.95;

/**
 * Least squares. Neighbours in such a series are alike: a heap that is large now is still large in the next sample. So the points prove less than the
 * same number of independent ones, and the error is made larger by their autocorrelation r. Source: the effective sample size of a first-order
 * autoregressive series, n (1 − r) / (1 + r).
 */
export function slopeOf(points: readonly Point[]): Slope {
  const count = points.length;
  if (count < LEAST_POINTS) throw new Error(`a slope needs at least ${LEAST_POINTS} points, and there are ${count}`);
  const hours = points.map(({ ms }) => ms / HOUR_MS);
  const [x, y] = [mean(hours), mean(points.map(({ value }) => value))];
  const spread = sum(hours.map((hour) => (hour - x) ** 2));
  const value = sum(points.map((point, at) => ((hours[at] ?? 0) - x) * (point.value - y))) / spread;
  const off = points.map((point, at) => point.value - y - value * ((hours[at] ?? 0) - x));
  const square = sum(off.map((each) => each ** 2));
  if (square === 0) return { value, low: value, high: value };
  const likeness = sum(off.slice(1).map((each, at) => each * (off[at] ?? 0))) / square;
  const alike = Math.min(MOST_LIKENESS, Math.max(0, likeness));
  const error = Math.sqrt((square / (count - 2) / spread) * ((1 + alike) / (1 - alike)));
  const margin = quantile(count - 2) * error;
  return { value, low: value - margin, high: value + margin };
}

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The 97.5 % quantile of Student's distribution, by the expansion of Cornish and Fisher. Its error is below 1 % from three degrees of freedom on. */
function quantile(freedom: number): number {
  const z = 1.959964;
  const [z3, z5, z7] = [z ** 3, z ** 5, z ** 7];
  return (
    z +
    (z3 + z) / (4 * freedom) +
    (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom ** 3)
  );
}
