/** What the programs with options have in common (`attack/main.ts`, `soak/main.ts`): a wrong option ends them with a message and their usage. */
import process from "node:process";
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

export interface Command {
  name: string;
  usage: string;
}

export const EXIT_WRONG = 1;
const EXIT_USAGE = 2;

export function wrongUse({ name, usage }: Command, message: string): never {
  process.stderr.write(`${name}: ${message}\n\n${usage}`);
  process.exit(EXIT_USAGE);
}

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: Options }>>["values"];

/** The values of the options. With `--help` it prints the usage and ends. */
export function readOptions<const Options extends ParseArgsOptionsConfig>(command: Command, options: Options): Values<Options> {
  try {
    const values: { help?: unknown } = parseArgs({ options: { ...options, help: { type: "boolean" } } }).values;
    if (values.help === true) {
      process.stdout.write(command.usage);
      process.exit(0);
    }
    return values as Values<Options>;
  } catch (thrown) {
    return wrongUse(command, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** @param text the value of the option with this name */
export function positive(command: Command, option: string, text: string): number {
  const value = Number(text);
  return value > 0 && Number.isFinite(value) ? value : wrongUse(command, `--${option} ${text}: expected a number above 0`);
}
