/** What a command of the command line is, and what it says. */
import type { ConfigSource } from "../config/config.ts";
import type { Administration } from "./administration.ts";

/** What a command prints, and how its process ends. */
export interface Outcome {
  text: string;
  /** 0 done, 1 refused, 2 not understood. With 1 and 2 the text belongs on standard error. */
  exitCode: 0 | 1 | 2;
}

/** The command line is wrong: nothing was asked or changed. */
export class UsageMistake extends Error {}

/** What a command has found or done, for a script and for a person. */
export interface Shown {
  json: unknown;
  text: string;
}

interface SubcommandOption {
  /** The placeholder for its value in the help. */
  value: string;
  about: string;
  needed?: true;
}

interface Described {
  words: readonly [noun: string, verb: string];
  /** Its one word without a name, such as `ID`; undefined where it has none. */
  argument?: string;
  about: string;
  options: Readonly<Record<string, SubcommandOption>>;
}

/** What the admin API does. */
export interface AdminSubcommand extends Described {
  /** Only the running gateway has the answer, unless there is a Redis. */
  isLive?: true;
  /**
   * @param program - the words that a person types before a command here, such as `npx weir`
   * @throws CommandRefusal or UsageMistake
   */
  run(
    administration: Administration,
    argument: string,
    options: Readonly<Record<string, string | undefined>>,
    program: string,
  ): Promise<Shown>;
  runOnStore?: undefined;
}

/** What the admin API does not do: it works on the store of a configuration, whichever gateway runs. */
interface StoreSubcommand extends Described {
  runOnStore(argument: string, source: ConfigSource): Promise<Outcome>;
}

/** One thing that administrators do on the command line. */
export type Subcommand = AdminSubcommand | StoreSubcommand;
