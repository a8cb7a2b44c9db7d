/** The command line of the benchmark. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { misuse, NAMES } from "./misuse.ts";
import { PEER_VERSIONS, type PeerName } from "./peers/versions.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { TARGET_SCENARIOS } from "./targets.ts";
import type { CallDialect } from "./variant.ts";

export const USAGE = `bun run bench -- [options] [SCENARIO…]      (docs/benchmarks.md explains what is measured, and how)

  --only SCENARIO…     these scenarios only; * matches any text; repeatable, and "--only" may be left out
  --rounds N           how many rounds, each with fresh processes and the order reversed (5)
  --seconds N          how long each measurement counts calls (5)
  --json FILE          write the whole result to a file
  --html FILE          write a page with charts
  --list               list the scenarios and run nothing
  --help               show this text
  --targets            the targets only, in about a quarter of an hour: programs are warmed up once and loaded in turns
  --smoke              a few calls of each scenario, to see whether all answers are right; nothing is measured
  --peer NAME          another gateway in the same run: portkey, litellm, bifrost; repeatable
  --cache FOLDER       where peers are installed and baselines are built, once (~/.cache/weir-bench)
  --against URL        a gateway that already runs, instead of this one; with a path, calls go to that path
  --key KEY            the API key for --against (or WEIR_BENCH_KEY in the environment)
  --dialect DIALECT    a dialect of --against: openai, anthropic; repeatable (both)
  --model NAME         the model to ask for with --against
  --save NAME          keep the result in bench/results/
  --compare NAME       show what has changed since that result; exit 1 where something is worse
  --from FILE          run nothing, and join results of earlier runs (--json); repeatable
  --write-docs         write the tables of docs/benchmarks.md, and the charts beside it

Exit code: 0, 1 for a wrong answer or a regression, 2 for a mistake on the command line.
`;

export class UsageError extends Error {}

export interface Options {
  names: string[];
  rounds: number | undefined;
  seconds: number | undefined;
  json: string | undefined;
  html: string | undefined;
  isList: boolean;
  isSmoke: boolean;
  isTargets: boolean;
  isHelp: boolean;
  peers: PeerName[];
  cache: string;
  against: URL | undefined;
  key: string | undefined;
  dialects: CallDialect[];
  model: string | undefined;
  save: string | undefined;
  compare: string | undefined;
  from: string[];
  writesDocs: boolean;
}

const DIALECTS: readonly CallDialect[] = ["openai", "anthropic"];
const PEERS = Object.keys(PEER_VERSIONS) as PeerName[];

export function readArguments(words: readonly string[], environment: Record<string, string | undefined>): Options {
  const { values, positionals } = parsed(words);
  const wrong = misuse(new Set([...Object.keys(values), ...(positionals.length > 0 ? [NAMES] : [])]));
  if (wrong !== undefined) throw new UsageError(wrong);
  return {
    names: values.targets ? [...TARGET_SCENARIOS.keys()] : scenarioNames([...(values.only ?? []), ...positionals]),
    rounds: rounds(values.rounds),
    seconds: amount("seconds", values.seconds),
    json: values.json,
    html: values.html,
    isList: values.list === true,
    isSmoke: values.smoke === true,
    isTargets: values.targets === true,
    isHelp: values.help === true,
    peers: (values.peer ?? []).map((name) => oneOf("peer", PEERS, name)),
    cache: resolve(values.cache ?? join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "weir-bench")),
    against: values.against === undefined ? undefined : address(values.against),
    key: values.key ?? environment.WEIR_BENCH_KEY,
    dialects: values.dialect === undefined ? [...DIALECTS] : values.dialect.map((name) => oneOf("dialect", DIALECTS, name)),
    model: values.model,
    save: values.save,
    compare: values.compare,
    from: values.from ?? [],
    writesDocs: values["write-docs"] === true,
  };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        only: { type: "string", multiple: true },
        rounds: { type: "string" },
        seconds: { type: "string" },
        json: { type: "string" },
        html: { type: "string" },
        list: { type: "boolean" },
        smoke: { type: "boolean" },
        targets: { type: "boolean" },
        help: { type: "boolean" },
        peer: { type: "string", multiple: true },
        cache: { type: "string" },
        against: { type: "string" },
        key: { type: "string" },
        dialect: { type: "string", multiple: true },
        model: { type: "string" },
        save: { type: "string" },
        compare: { type: "string" },
        from: { type: "string", multiple: true },
        "write-docs": { type: "boolean" },
      },
    });
  } catch (thrown) {
    throw new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** The names of the scenarios that the patterns match; all where there is no pattern. */
function scenarioNames(wanted: readonly string[]): string[] {
  const known = SCENARIOS.map(({ name }) => name);
  const patterns = wanted.flatMap((words) => words.split(","));
  if (patterns.length === 0) return known;
  return patterns.flatMap((pattern) => {
    const fits = new RegExp(`^${pattern.replace(/[^\w*-]/g, "").replaceAll("*", ".*")}$`);
    const found = known.filter((name) => fits.test(name));
    if (found.length === 0) throw new UsageError(`there is no scenario ${JSON.stringify(pattern)}; --list shows them`);
    return found;
  });
}

function amount(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!(number > 0) || !Number.isFinite(number)) throw new UsageError(`--${name} wants a number above 0, not ${JSON.stringify(text)}`);
  return number;
}

function rounds(text: string | undefined): number | undefined {
  const number = amount("rounds", text);
  if (number !== undefined && !Number.isInteger(number)) throw new UsageError(`--rounds wants a whole number, not ${JSON.stringify(text)}`);
  return number;
}

function address(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new UsageError(`--against wants an address such as https://gateway.example, not ${JSON.stringify(text)}`);
}

function oneOf<Name extends string>(option: string, names: readonly Name[], wanted: string): Name {
  const found = names.find((name) => name === wanted);
  if (found === undefined) throw new UsageError(`--${option} is one of ${names.join(", ")}, not ${JSON.stringify(wanted)}`);
  return found;
}
