import type { Administration } from "./administration.ts";

/** What a command has found or done, for a script and for a person. */
export interface Shown {
  json: unknown;
  text: string;
}

interface VerbOption {
  /** What stands for its value in the help. */
  value: string;
  about: string;
  needed?: true;
}

/** One thing that administrators do on the command line. */
export interface Verb {
  words: readonly [noun: string, verb: string];
  /** Its one word without a name, such as `ID`; undefined where it has none. */
  argument?: string;
  about: string;
  options: Readonly<Record<string, VerbOption>>;
  /** @throws CommandRefusal or UsageMistake */
  run(administration: Administration, argument: string, options: Readonly<Record<string, string | undefined>>): Promise<Shown>;
}
