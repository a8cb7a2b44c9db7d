/** What a command has to say, and how the process ends. */
export interface Outcome {
  text: string;
  /** 0 done, 1 refused, 2 not understood. What is not 0 belongs on standard error. */
  exitCode: 0 | 1 | 2;
}

/** The command line itself is wrong: no request was sent. */
export class UsageMistake extends Error {}
