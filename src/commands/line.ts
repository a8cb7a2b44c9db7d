/** Reads the command line. */
import { parseArgs } from "node:util";
import { didYouMean } from "../config/problems.ts";
import { type Subcommand, UsageMistake } from "./command.ts";
import { keySubcommands } from "./keys.ts";
import { workspaceSubcommands } from "./workspaces.ts";

export type Line =
  | { command: "start" | "schema"; file: string | undefined }
  | { command: "check"; file: string | undefined; online: boolean }
  | { command: "version" }
  | { command: "help"; text: string }
  | { command: "administer"; asked: Administering };

/** One of the subcommands, with its arguments. */
export interface Administering {
  /** The words that a person types before a command here, such as `npx weir`. */
  program: string;
  subcommand: Subcommand;
  argument: string;
  options: Readonly<Record<string, string | undefined>>;
  file: string | undefined;
  url: string | undefined;
  token: string | undefined;
  tokenFile: string | undefined;
  json: boolean;
}

const SUBCOMMANDS: readonly Subcommand[] = [...keySubcommands, ...workspaceSubcommands];

const COMMANDS: readonly string[] = [
  "start",
  "check",
  "schema",
  "health",
  "help",
  "version",
  ...new Set(SUBCOMMANDS.map(({ words: [noun] }) => noun)),
];

const CONFIG_HELP = "the configuration (WEIR_CONFIG does the same; without both, ./weir.yaml is read where it exists)";

/** Options of every subcommand, in addition to its own. */
const WHERE: readonly (readonly [string, string])[] = [
  [
    "--url URL",
    "admin listener of a running gateway (or WEIR_ADMIN_URL); without one, the configuration's store, or this folder's sandbox",
  ],
  ["--token T", "its admin token; WEIR_ADMIN_TOKEN is safer, because lists of processes do not show it"],
  ["--token-file F", "a file with the admin token"],
  ["--config FILE", CONFIG_HELP],
  ["--json", "for scripts"],
];

const OPTIONS = {
  config: { type: "string" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean", short: "v" },
  json: { type: "boolean" },
  online: { type: "boolean" },
  url: { type: "string" },
  token: { type: "string" },
  "token-file": { type: "string" },
} as const;

/**
 * @param program - the words that a person types before a command here, such as `npx weir`
 * @throws UsageMistake
 */
export function readLine(words: string[], program: string): Line {
  const { values, positionals } = parse(words);
  const [first = "start", second = "", ...rest] = positionals;
  const subcommand = SUBCOMMANDS.find((candidate) => candidate.words[0] === first && candidate.words[1] === second);
  if (values.help === true)
    return { command: "help", text: subcommand === undefined ? overview(first, program) : subcommandHelp(subcommand, program) };
  if (first === "help") return { command: "help", text: overview(second, program) };
  if (values.version === true || first === "version") return { command: "version" };
  if (subcommand !== undefined) return { command: "administer", asked: administering(subcommand, rest, values, program) };
  const given = Object.keys(values).filter((option) => option !== "config" && !(option === "online" && first === "check"));
  if ((first === "start" || first === "check" || first === "schema") && second === "" && given.length === 0)
    return first === "check"
      ? { command: first, file: text(values.config), online: values.online === true }
      : { command: first, file: text(values.config) };
  const known = SUBCOMMANDS.filter(({ words: [noun] }) => noun === first).map(({ words: [, name] }) => name);
  if (known.length > 0) throw new UsageMistake(`${first}: expected one of ${known.join(", ")}. ${program} ${first} --help says more.`);
  if (given.length > 0) throw new UsageMistake(`${first} takes no --${given.join(" and no --")}`);
  throw new UsageMistake(`unknown command: ${positionals.join(" ")}${didYouMean(first, COMMANDS)}\n\n${overview("", program)}`);
}

type Values = Readonly<Record<string, string | boolean | undefined>>;

function parse(words: string[]): { values: Values; positionals: string[] } {
  const own = SUBCOMMANDS.flatMap(({ options }) => Object.keys(options).map((name) => [name, { type: "string" }] as const));
  try {
    return parseArgs({ args: words, allowPositionals: true, options: { ...Object.fromEntries(own), ...OPTIONS } });
  } catch (thrown) {
    if (!(thrown instanceof Error)) throw thrown;
    const [, unknown] = /^Unknown option '(--?[^']*)'/.exec(thrown.message) ?? [];
    // The runtime's message also explains arguments that begin with a hyphen; no command has such arguments.
    if (unknown === undefined) throw new UsageMistake(thrown.message);
    const names = [...own.map(([name]) => name), ...Object.keys(OPTIONS)];
    throw new UsageMistake(`unknown option: ${unknown}${didYouMean(unknown, names)}. --help after the command lists its options.`);
  }
}

function administering(subcommand: Subcommand, rest: string[], values: Values, program: string): Administering {
  const name = subcommand.words.join(" ");
  const cure = `${program} ${name} --help says more.`;
  const wrong = Object.keys(values).find(
    (option) => (!(option in OPTIONS) || option === "online") && !Object.hasOwn(subcommand.options, option),
  );
  if (wrong !== undefined) throw new UsageMistake(`${name} takes no --${wrong}. ${cure}`);
  const [argument = "", ...more] = rest;
  if (more.length > 0 || (argument !== "" && subcommand.argument === undefined))
    throw new UsageMistake(`${name}: only ${subcommand.argument ?? "options"} may follow. ${cure}`);
  if (argument === "" && subcommand.argument !== undefined) throw new UsageMistake(`${name}: ${subcommand.argument} is missing. ${cure}`);
  const remote = (["url", "token", "token-file", "json"] as const).find((option) => values[option] !== undefined);
  if (subcommand.runOnStore !== undefined && remote !== undefined)
    throw new UsageMistake(`${name} takes no --${remote}: it works on the store of the configuration. ${cure}`);
  const missing = Object.entries(subcommand.options).find(([option, { needed }]) => needed === true && !text(values[option]));
  if (missing !== undefined) throw new UsageMistake(`${name}: --${missing[0]} is missing. ${cure}`);
  return {
    program,
    subcommand,
    argument,
    options: Object.fromEntries(Object.keys(subcommand.options).map((option) => [option, text(values[option])])),
    file: text(values.config),
    url: text(values.url),
    token: text(values.token),
    tokenFile: text(values["token-file"]),
    json: values.json === true,
  };
}

function text(value: string | boolean | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function overview(noun: string, program: string): string {
  const subcommands = SUBCOMMANDS.filter(({ words }) => words[0] === noun);
  if (subcommands.length > 0)
    return `${columns(subcommands.map((subcommand) => [signature(subcommand), subcommand.about]))}\n\n${columns(WHERE)}\n`;
  return `weir: an LLM API gateway

${columns([
  [`${program} start`, "start (without a configuration: in sandbox mode)"],
  [`${program} check`, "validate a configuration and print what it resolves to"],
  [`${program} check --online`, "and ask Redis, and ask each upstream whether it accepts its credential and has its models"],
  [`${program} schema`, "print the JSON Schema of weir.yaml"],
  [`${program} health`, "exit code 0 if the gateway of ./weir.yaml or WEIR_CONFIG is alive on this machine; for containers"],
  [`${program} keys …`, "create, list, rotate, revoke the keys of workspaces; import a key file"],
  [`${program} workspaces …`, "create, list, update, remove workspaces; usage of one"],
])}

${columns([
  ["--config FILE", CONFIG_HELP],
  ["--help", "this text; after a command, its options"],
  ["--version", "the version"],
])}
`;
}

function subcommandHelp(subcommand: Subcommand, program: string): string {
  const own = Object.entries(subcommand.options).map(([option, { value, about }]) => [`--${option} ${value}`, about] as const);
  const where = subcommand.runOnStore === undefined ? WHERE : WHERE.filter(([option]) => option.startsWith("--config"));
  return `${program} ${signature(subcommand)}\n  ${subcommand.about}\n\n${columns([...own, ...where])}\n`;
}

function signature({ words, argument, options }: Subcommand): string {
  const own = Object.entries(options).map(([option, { value, needed }]) =>
    needed === true ? `--${option} ${value}` : `[--${option} ${value}]`,
  );
  return [...words, ...(argument === undefined ? [] : [argument]), ...own].join(" ");
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
