/** A call that has ended, and the cells that its end changes. */
import type { Usage } from "../contract/usage.ts";
import type { CounterCell, HistogramCell } from "./cells.ts";

/** A call that has ended, as the metrics need it. Every string is from a bounded set. */
export interface CallRecord {
  route: string;
  workspace: string;
  /** A name of a model that the configuration has, or `other`. */
  model: string;
  region: string;
  /** The upstream's name; "" where the call reached none. */
  upstream: string;
  /** `ok` or an error kind. */
  outcome: string;
  durationMs: number;
  /** Time to the first byte of the answer; undefined where the answer has no byte. */
  firstByteMs: number | undefined;
  /** Time spent in Weir, without waiting for upstream and client; undefined where it is not known. */
  overheadMs: number | undefined;
  usage: Usage | undefined;
  /** The factor that corrects this model's estimates; undefined where no worker had the call. */
  estimateFactor: number | undefined;
}

/** Cells of all metrics that change when a call of one kind ends, looked up once. */
export interface CallCells {
  requests: CounterCell;
  duration: HistogramCell;
  overhead: HistogramCell;
  firstByte: HistogramCell;
}

/** Cells of the token metrics of one workspace and model. */
export interface TokenCells {
  input: CounterCell;
  output: CounterCell;
  cacheRead: CounterCell;
  cacheWrite: CounterCell;
  cacheWriteShort: CounterCell;
  cacheWriteHour: CounterCell;
  reasoning: CounterCell;
}

export function addTokens(cells: TokenCells, { input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning }: Usage): void {
  cells.input.value += input;
  cells.output.value += output;
  cells.cacheRead.value += cacheRead;
  cells.cacheWrite.value += cacheWrite;
  cells.cacheWriteShort.value += cacheWrite - cacheWriteHour;
  cells.cacheWriteHour.value += cacheWriteHour;
  cells.reasoning.value += reasoning;
}
