import type { Usage } from "../contract/usage.ts";
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

export function addTokens(cells: TokenCells, { input, output, cacheRead, cacheWrite, cacheWriteHour, reasoning }: Usage): void {
  cells.input.value += input;
  cells.output.value += output;
  cells.cacheRead.value += cacheRead;
  cells.cacheWrite.value += cacheWrite;
  cells.cacheWriteShort.value += cacheWrite - cacheWriteHour;
  cells.cacheWriteHour.value += cacheWriteHour;
  cells.reasoning.value += reasoning;
}
