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

/** The result of a command, for scripts and for people. */
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
  /** The placeholder for its one argument, such as `ID`; undefined where it has none. */
  argument?: string;
  about: string;
  options: Readonly<Record<string, SubcommandOption>>;
}

/** A command that the admin API does. */
export interface AdminSubcommand extends Described {
  /** Without Redis only the running gateway has the answer. */
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

/** A command that the admin API does not have: it works on the store of a configuration, whether or not a gateway runs. */
interface StoreSubcommand extends Described {
  runOnStore(argument: string, source: ConfigSource): Promise<Outcome>;
}

/** One command of administrators. */
export type Subcommand = AdminSubcommand | StoreSubcommand;
