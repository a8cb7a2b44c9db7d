import type { CounterCell, HistogramCell } from "./cells.ts";

/** Everything that a call of one kind moves when it ends, looked up once. */
export interface CallCells {
  requests: CounterCell;
  duration: HistogramCell;
  overhead: HistogramCell;
  firstByte: HistogramCell;
}

/** The same, of the tokens of one workspace and model. */
export interface TokenCells {
  input: CounterCell;
  output: CounterCell;
  cacheRead: CounterCell;
  cacheWrite: CounterCell;
  cacheWriteShort: CounterCell;
  cacheWriteHour: CounterCell;
  reasoning: CounterCell;
}
