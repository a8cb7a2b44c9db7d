/** What a command has to say, and how the process ends. */
export interface Outcome {
  text: string;
  /** 0 done, 1 refused. A refusal belongs on standard error. */
  exitCode: 0 | 1;
}
