/** Tokens of one call as its upstream counted them. `input` excludes what was read from or written to a prompt cache. */
export interface Usage {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  /** Of `cacheWrite`: what is kept for an hour, which costs more than the five minutes of the rest. */
  cacheWriteHour: number;
  /** Of `output`: what the model thought. */
  reasoning: number;
}

export function noUsage(): Usage {
  return { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 };
}

/** All tokens of a call. */
export function tokensOf({ input, output, cacheRead, cacheWrite }: Usage): number {
  return input + output + cacheRead + cacheWrite;
}
