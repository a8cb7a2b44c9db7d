/**
 * The only reader of environment and files. `readConfig` turns `weir.yaml` and the environment into the frozen `Config`, or throws one error that
 * names everything that is wrong. The steps: read, fill in `${…}`, read secret files, check against the schema, resolve names that refer to other settings.
 */
import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { cwd } from "node:process";
import { knownModels } from "../catalogue.ts";
import type { Config } from "../contract/config.ts";
import { type Catalogue, readCatalogue } from "./catalogue.ts";
import { checkSecrets, checkValue, repeatable } from "./check.ts";
import type { ResolveContext } from "./context.ts";
import { disk, type FileSource, Preloaded } from "./disk.ts";
import { type Document, readDocument } from "./document.ts";
import { type Environment, fillEnvironment } from "./environment.ts";
import { readSecretFiles, whyUnreadable } from "./files.ts";
import { MACHINE_VARIABLES } from "./machine.ts";
import { memoryBytes } from "./memory.ts";
import { ConfigError, isWithin, type Path, type Problem, spell } from "./problems.ts";
import { resolveFile } from "./resolve.ts";
import { type File, schema } from "./schema/file.ts";
import { TRACING_VARIABLES } from "./tracing.ts";
import type { Stamps } from "./watch.ts";

export { ConfigError };

export interface ConfigSource {
  environment: Environment;
  /** Path from `--config`; without it `WEIR_CONFIG`, then `./weir.yaml`, then none: sandbox mode. */
  file?: string | undefined;
  /** A whole configuration in place of a file, as YAML would give it (the sandbox's own). */
  document?: unknown;
  /** Stand-ins take the place of upstreams: what only production needs is not required. */
  sandbox?: boolean;
  /** Where relative paths begin. Default: the process's directory. */
  directory?: string;
  /** Default: now. */
  nowMs?: number;
  /** Default: those of this machine. */
  processors?: number;
  /** Bytes of memory. Default: what there is for this process. */
  memory?: number;
  /** Default: the disk. */
  files?: FileSource;
}

export interface LoadedConfig {
  config: Config;
  /** The checked file with its defaults, secrets included: for `check`, which shows settings by their own names. Never logged. */
  written: File;
  /** What works but is probably a mistake, one line each. */
  warnings: string[];
  /** The configuration file, absolute; undefined where there is none. */
  file: string | undefined;
  /** Every file that was read, with its stamp from before the reading. */
  read: Stamps;
  /** The file has `workspaces: {}`: it has no workspaces on purpose, and not because the end of the file is missing. */
  isEmptied: boolean;
}

/**
 * @param read - receives every file before it is read, also where the configuration is refused.
 * @throws ConfigError
 */
export function readConfig(source: ConfigSource, read: Map<string, string> = new Map()): LoadedConfig {
  const directory = source.directory ?? currentDirectory();
  const file = source.document === undefined ? findFile(source, directory) : undefined;
  const { files = disk } = source;
  if (file !== undefined) read.set(file, files.stamp(file));
  const name = file === undefined ? (source.document === undefined ? "environment" : "configuration") : file;
  const document = file === undefined ? plainDocument(source.document ?? {}) : openDocument(file, files);

  // Paths in a file begin at the folder of the file.
  const base = file === undefined ? directory : dirname(file);
  const locate = (path: string) => resolve(base, path);
  const readText = (path: string) => {
    const place = locate(path);
    read.set(place, files.stamp(place));
    return files.text(place);
  };
  const filled = fillEnvironment(document.value ?? {}, source.environment);
  const fromOutside = new Set(filled.filled);
  const problems = [...filled.problems, ...readSecretFiles(schema, filled.value, readText, fromOutside)];
  const checked = checkValue(schema, filled.value, fromOutside);
  const found = [...checked.problems, ...checkSecrets(schema, filled.value)];
  problems.push(...found.filter(({ path }) => !problems.some((known) => isWithin(path, known.path))));

  const context: ResolveContext = {
    environment: source.environment,
    catalogue: shippedCatalogue(),
    isSandbox: source.sandbox ?? (file === undefined && source.document === undefined),
    nowMs: source.nowMs ?? Date.now(),
    processors: source.processors ?? availableParallelism(),
    memory: source.memory ?? memoryBytes(),
    readText,
    locate,
    problems,
    warnings: [],
  };
  const written = withoutMistakes(checked.value, problems, fromOutside);
  const config = resolveFile(written, checked.value, context);
  const tell = (path: Path) => ({ line: document.line(path), place: isVariable(path) ? path : repeatable(schema, filled.value, path) });
  if (problems.length > 0) {
    const ofFile = problems.filter(({ path }) => !isVariable(path));
    const ofVariables = problems.filter(({ path }) => isVariable(path));
    throw new ConfigError(name, tellInOrder(ofFile, tell), tellInOrder(ofVariables, tell));
  }
  const warnings = tellInOrder(context.warnings, tell);
  return { config: freeze(config), written, warnings, file, read, isEmptied: isEmptied(document.value) };
}

/**
 * As `readConfig`, but with a bound on the wait for each file: a file may be on a mount that does not answer, and the thread may serve calls. Which files a
 * configuration names is known only after it was read, so it is read again until no file is missing.
 * @throws ConfigError
 */
export async function loadConfig(source: Omit<ConfigSource, "files">, read: Map<string, string> = new Map()): Promise<LoadedConfig> {
  const files = new Preloaded();
  for (;;) {
    read.clear();
    let outcome: () => LoadedConfig;
    try {
      const loaded = readConfig({ ...source, files }, read);
      outcome = () => loaded;
    } catch (thrown) {
      outcome = () => {
        throw thrown;
      };
    }
    if (!(await files.load())) return outcome();
  }
}

/** @throws ConfigError where the folder was removed while this process ran */
function currentDirectory(): string {
  try {
    return cwd();
  } catch {
    throw new ConfigError("configuration", ["expected the folder that Weir was started in, which has been removed"]);
  }
}

/** The file that was asked for, whether or not it exists; else `./weir.yaml` where it exists. */
function findFile({ file, environment }: ConfigSource, directory: string): string | undefined {
  const asked = file ?? (environment.WEIR_CONFIG || undefined);
  if (asked !== undefined) return resolve(directory, asked);
  const usual = resolve(directory, "weir.yaml");
  // A file that exists but may not be read is a mistake, and does not start the sandbox.
  return statSync(usual, { throwIfNoEntry: false }) === undefined ? undefined : usual;
}

/** `workspaces: {}`, and not `workspaces:` with nothing after it yet. */
function isEmptied(written: unknown): boolean {
  const workspaces = typeof written === "object" && written !== null ? (written as Record<string, unknown>).workspaces : undefined;
  return typeof workspaces === "object" && workspaces !== null && Object.keys(workspaces).length === 0;
}

function openDocument(file: string, files: FileSource): Document {
  let text: string;
  try {
    text = files.text(file);
  } catch (error) {
    throw new ConfigError(file, [`expected a readable file, got one which ${whyUnreadable(error)}`]);
  }
  const document = readDocument(text);
  if (document.problems.length > 0) {
    throw new ConfigError(
      file,
      document.problems.map((problem) => `line ${problem.line}: ${problem.text}`),
    );
  }
  return document;
}

function plainDocument(value: unknown): Document {
  return { value, problems: [], line: () => undefined };
}

let catalogue: Catalogue | undefined;

/** Read once: it is a part of the program. */
function shippedCatalogue(): Catalogue {
  catalogue ??= readCatalogue(knownModels);
  return catalogue;
}

/** The file without everything that is wrong in it, so that the rest can be checked in the same run. */
function withoutMistakes(input: unknown, problems: readonly Problem[], filled: ReadonlySet<string>): File {
  let value = structuredClone(input);
  let wrong = problems.map((problem) => problem.path);
  while (wrong.length > 0) {
    for (const path of wrong) value = without(value, path);
    const checked = checkValue(schema, value, filled);
    value = checked.value;
    // Where a setting is missing, the map that lacks it is taken out.
    wrong = checked.problems.map((problem) => (has(value, problem.path) ? problem.path : problem.path.slice(0, -1)));
  }
  return value as File;
}

function has(value: unknown, path: readonly string[]): boolean {
  return (
    path.reduce<unknown>(
      (node, key) => (typeof node === "object" && node !== null ? (node as Record<string, unknown>)[key] : undefined),
      value,
    ) !== undefined
  );
}

/** `value` without the value at `path`. For one item of a list the whole list is taken out, so that no other item gets another place and path. */
function without(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return {};
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return value;
  if (Array.isArray(value))
    return rest.length === 0 ? undefined : value.map((item, index) => (String(index) === key ? without(item, rest) : item));
  const copy: Record<string, unknown> = { ...value };
  const kept = rest.length === 0 ? undefined : without(copy[key], rest);
  if (kept === undefined) delete copy[key];
  else copy[key] = kept;
  return copy;
}

const VARIABLES = new Set([...MACHINE_VARIABLES, ...TRACING_VARIABLES]);

/** Whether a mistake is in a variable of the environment, and not in the file. */
function isVariable([first = "", ...rest]: Path): boolean {
  return rest.length === 0 && VARIABLES.has(first);
}

function tellInOrder(problems: readonly Problem[], tell: (path: Path) => { line: number | undefined; place: Path }): string[] {
  return problems
    .map(({ path, text }) => {
      const { line, place } = tell(path);
      return { line, text: `${place.length === 0 ? "" : `${spell(place)}: `}${text}` };
    })
    .sort((one, other) => (one.line ?? 0) - (other.line ?? 0))
    .map((problem) => (problem.line === undefined ? problem.text : `line ${problem.line}: ${problem.text}`));
}

function freeze<Value>(value: Value): Value {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) freeze(item);
  }
  return value;
}
