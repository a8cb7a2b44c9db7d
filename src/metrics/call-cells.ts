import type { CounterCell, HistogramCell } from "./cells.ts";

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
}
