/**
 * The rules of the house (CONTRIBUTING.md), each a pure function from one source file to what is wrong with it. What is allowed beyond a rule
 * is data with its reason, and an exception that no file uses any more is itself a mistake.
 */
import { posix } from "node:path";
import type { Source } from "./source.ts";

export interface Rule {
  name: string;
  /** One sentence for each thing that is wrong. */
  check(source: Source): string[];
  exceptions: readonly Exception[];
}

interface Exception {
  file: string;
  /** Sentences that begin so are no mistake in this file. */
  allows: string;
  because: string;
}

/** These build everything and see everything. */
const BUILDERS: ReadonlySet<string> = new Set(["main", "process"]);

/**
 * What each part of `src` may import besides itself and `contract`. A part is a folder directly under `src`. A part that is not named here is a
 * sibling of the others and sees none of them.
 */
const SEES: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  /** A request's way: through the limiter and the router to a worker, and into what is counted and written. */
  request: ["dialects", "directory", "http", "limiter", "log", "metrics", "pool", "routing", "tracing", "usage"],
  /** What is published of the routes. */
  openapi: ["dialects", "request"],
  /**
   * What the command line can do besides starting: it administers by the admin listener's own routes, also over the store alone, and asks upstreams.
   * Of the sandbox it knows where the admin token of its folder is kept.
   */
  commands: ["admin", "config", "directory", "limiter", "pool", "providers", "routing", "sandbox", "usage"],
  /** Times, names and limits are those of the configuration, and so are the messages about mistakes. A body is read as a call's body is. */
  admin: ["config", "directory", "http", "limiter", "log", "openapi", "request", "usage"],
  /** Day totals are kept in Redis too, and wait for it as long as the limiter does. */
  usage: ["limiter", "redis"],
  /** One way to Redis for all who keep something there. */
  directory: ["redis"],
  limiter: ["redis"],
  /** Starts this program again several times, and is in front of what each of them serves on its admin listener. */
  supervisor: ["http", "log", "metrics", "runtime"],
  /** Gives clients' sockets to the front's own server. */
  runtime: ["http"],
  /** An upstream's part of weir.yaml is described by its provider, and the models that need no configuration are in a file of their own. */
  config: ["catalogue", "providers"],
};

/** The part that a path belongs to: `src/main.ts` → `main`, `src/config/units.ts` → `config`, `workers/wire/http.ts` → `workers`. */
function part(file: string): string {
  const [top = "", second = ""] = file.split("/");
  return top === "src" ? second.replace(/\.ts$/, "") : top;
}

const isRelative = (specifier: string) => specifier.startsWith(".");

/** Both halves of a provider have the types of its settings and of what its models take from the front's half. */
function isOtherHalf(file: string, target: string): boolean {
  const folder = /^workers\/providers\/([^/]+)\//.exec(file)?.[1];
  return folder !== undefined && target.startsWith(`src/providers/${folder}/`);
}

const importsPointOneWay: Rule = {
  name: "imports point one way",
  check(source) {
    const from = part(source.file);
    return source.imports.filter(isRelative).flatMap((specifier) => {
      const target = posix.join(posix.dirname(source.file), specifier);
      const to = part(target);
      if (to === from || to === "contract") return [];
      if (!/^(src|workers)\//.test(target)) return [`imports ${target}, which is outside src and workers`];
      if (to === "workers") return [`imports ${target}: src knows of the workers one URL`];
      if (from === "workers" && to === "providers" && source.typeImports.has(specifier) && isOtherHalf(source.file, target)) return [];
      if (from === "workers") return to === "dialects" ? [] : [`imports ${target}: workers see contract and dialects only`];
      if (BUILDERS.has(from) || SEES[from]?.includes(to)) return [];
      return [`imports ${target}: ${from} may see ${["contract", ...(SEES[from] ?? [])].join(", ")}`];
    });
  },
  exceptions: [{ file: "src/process/program.ts", allows: "imports package.json", because: "the version is written there" }],
};

const explicitExtensions: Rule = {
  name: "an import names its file in full",
  check: ({ imports }) =>
    imports
      .filter((specifier) => isRelative(specifier) && !/\.(ts|json|lua|yaml|html|css|js|svg)$/.test(specifier))
      .map((specifier) => `imports "${specifier}" without its extension`),
  exceptions: [],
};

const WORKER_ENTRIES = ["workers/worker.ts", "workers/desk.ts"];

const workersAreTwoUrls: Rule = {
  name: "src knows of the workers two URLs, in the pool: what a thread runs, and what this one runs in its place",
  check({ file, strings }) {
    if (!file.startsWith("src/")) return [];
    const isAnEntry = (text: string) => part(file) === "pool" && WORKER_ENTRIES.includes(posix.join(posix.dirname(file), text));
    return strings.filter((text) => /(^|\/)workers\//.test(text) && !isAnEntry(text)).map((text) => `names the workers in "${text}"`);
  },
  exceptions: [],
};

const threadsHaveOneOwner: Rule = {
  name: "threads are made in the pool alone",
  check: ({ file, constructed, imports }) => [
    ...(constructed.has("Worker") && part(file) !== "pool" ? ["makes a Worker"] : []),
    ...imports.filter((specifier) => /^(node:)?(worker_threads|cluster)$/.test(specifier)).map((specifier) => `imports ${specifier}`),
  ],
  exceptions: [],
};

const runtimesHaveOnePlace: Rule = {
  name: "Bun and Deno are named in one file",
  check: ({ names, strings, members, imports }) => [
    ...["Bun", "Deno"]
      .filter((name) => names.has(name) || strings.some((text) => new RegExp(`\\b${name}\\b`).test(text)))
      .map((name) => `says ${name}`),
    ...imports.filter((specifier) => /^(bun$|bun:|deno:|https?:|jsr:|npm:)/.test(specifier)).map((specifier) => `imports ${specifier}`),
    ...(members.has("process.versions") ? ["asks process.versions"] : []),
  ],
  exceptions: [
    { file: "src/runtime/runtime.ts", allows: "says", because: "the one place" },
    { file: "src/contract/crowd.ts", allows: "says", because: "both threads collect, and workers do not see src/runtime/runtime.ts" },
    { file: "src/runtime/sockets.ts", allows: "says Bun", because: "the sockets of that runtime, which the one place chooses" },
    {
      file: "workers/wire/sockets/native.ts",
      allows: "says Bun",
      because:
        "its sockets cost less than those of node:net, and workers do not see src/runtime/runtime.ts; it is there or not, whatever the runtime",
    },
  ],
};

const surroundingsHaveOneReader: Rule = {
  name: "environment and files are read by the configuration alone",
  check({ file, members, imports }) {
    if (part(file) === "config") return [];
    return [
      ...["process.env", "Bun.env", "Deno.env"].filter((member) => members.has(member)).map((member) => `reads ${member}`),
      ...imports.filter((specifier) => /^(node:)?fs(\/promises)?$/.test(specifier)).map((specifier) => `imports ${specifier}`),
    ];
  },
  exceptions: [
    { file: "src/process/program.ts", allows: "reads process.env", because: "hands the environment to the configuration" },
    { file: "src/main.ts", allows: "reads process.env", because: "hands the environment to the code that starts the runtime over" },
    { file: "src/directory/file.ts", allows: "imports node:fs/promises", because: "the local store of keys is a file" },
    { file: "src/directory/lock.ts", allows: "imports node:fs/promises", because: "the local store of keys is a file" },
    {
      file: "src/sandbox/demo-secrets.ts",
      allows: "imports node:fs",
      because: "the demo's key and admin token are kept from start to start",
    },
    { file: "src/runtime/packages.ts", allows: "imports node:fs", because: "whether the packages are there is known by looking" },
    { file: "src/metrics/process.ts", allows: "imports node:fs/promises", because: "the system tells of this process in files" },
    {
      file: "src/runtime/descriptors.ts",
      allows: "imports node:fs/promises",
      because: "how many files may still be opened is found out by trying",
    },
    {
      file: "src/contract/text-file.ts",
      allows: "imports node:fs",
      because: "the one way to read a file that may be none, for the configuration, the store of keys and a workload's token",
    },
  ],
};

const VENDORS = ["bedrock", "azure", "anthropic", "openai"];

/** The folders that have a file or a folder for each vendor, and whom what is named after one may name: itself and the dialect that it speaks. */
const VENDOR_FOLDERS = /^(src\/dialects|src\/providers|workers\/providers|workers\/estimate|src\/sandbox)\//;
const SPEAKS: Readonly<Record<string, readonly string[]>> = { bedrock: ["anthropic"], azure: ["openai"] };

const vendorsHaveTheirFiles: Rule = {
  name: "a vendor is named in its own files alone",
  check({ file, names, strings, imports }) {
    const place = VENDOR_FOLDERS.exec(file)?.[0];
    const isIndex = place !== undefined && (file.endsWith("/index.ts") || /^src\/dialects\/(openapi|checks)\.ts$/.test(file));
    const owner = place === undefined ? undefined : VENDORS.find((vendor) => file.slice(place.length).startsWith(vendor));
    const allowed = isIndex ? VENDORS : owner ? [owner, ...(SPEAKS[owner] ?? [])] : [];
    const said = [...names, ...strings, ...imports].join("\n").toLowerCase();
    return VENDORS.filter((vendor) => said.includes(vendor) && !allowed.includes(vendor)).map((vendor) => `names ${vendor}`);
  },
  exceptions: [
    { file: "src/sandbox/sandbox.ts", allows: "names", because: "builds the stand-ins" },
    { file: "src/sandbox/main.ts", allows: "names", because: "prints the addresses of the stand-ins" },
    { file: "src/sandbox/demo.ts", allows: "names", because: "configures both stand-ins as upstreams" },
    { file: "src/sandbox/directives.ts", allows: "names", because: "the table of the directives says where the clouds differ" },
    { file: "src/contract/dialect.ts", allows: "names", because: "DialectName: the names of the dialects are part of the contract" },
    { file: "workers/estimate/estimate.ts", allows: "names", because: "the index of its folder: one line for each dialect" },
    { file: "src/catalogue.ts", allows: "names", because: "the models of every provider" },
    { file: "src/config/schema/accepts.ts", allows: "names", because: "examples in the descriptions of weir.yaml's fields" },
    { file: "src/config/schema/models.ts", allows: "names", because: "examples in the descriptions of weir.yaml's fields" },
    { file: "src/config/schema/workspaces.ts", allows: "names", because: "the headers of a cloud, in the description of client_controls" },
    {
      file: "src/dialects/anthropic/anthropic.ts",
      allows: "names openai",
      because: "sends a client that took the wrong base URL to the right one",
    },
    {
      file: "src/dialects/unified/unified.ts",
      allows: "names",
      because: "takes one protocol's requests, and sends a client that wants another route there",
    },
    { file: "src/dialects/anthropic/openapi.ts", allows: "names bedrock", because: "tells people who answers" },
    { file: "src/dialects/openai/openapi.ts", allows: "names azure", because: "tells people who answers" },
    { file: "src/dialects/unified/openapi.ts", allows: "names", because: "made of one protocol's requests and the other's answers" },
    {
      file: "src/dialects/openai/openai.ts",
      allows: "names anthropic",
      because: "sends a client that took the wrong base URL to the right one",
    },
  ],
};

const metricsHaveOneOwner: Rule = {
  name: "prom-client is imported by the metrics alone",
  check: ({ file, imports }) =>
    part(file) === "metrics"
      ? []
      : imports.filter((specifier) => specifier.startsWith("prom-client")).map((specifier) => `imports ${specifier}`),
  exceptions: [],
};

const LARGEST = 300;

const filesAreShort: Rule = {
  name: `a file has at most ${LARGEST} lines`,
  check: ({ lines }) => (lines > LARGEST ? [`has ${lines} lines`] : []),
  exceptions: [
    {
      file: "src/contract/reports.ts",
      allows: "has",
      because: "the codec of all reports: fields, lengths, writers and the reader must agree, so they are read together",
    },
    {
      file: "src/http/connection.ts",
      allows: "has",
      because: "one connection's life from phase to phase; each phase reads and writes nearly all of its state",
    },
    {
      file: "src/limiter/limiter.ts",
      allows: "has",
      because: "one call's way through reserve, correct and settle, and what happens when the store fails",
    },
    {
      file: "workers/relay.ts",
      allows: "has",
      because: "one call from its request to the last word for the client; each report of the upstream reads and changes its state",
    },
    {
      file: "workers/wire/exchange.ts",
      allows: "has",
      because: "the phases, clocks and ends of one call share its state; cut in two, one half would end what the other one still reads",
    },
    {
      file: "workers/wire/http1-parser.ts",
      allows: "has",
      because: "one state machine; cut in two, a state would be set in one file and read in the other",
    },
  ],
};

const plainNames: Rule = {
  name: "names say what a thing is",
  check: ({ file, names, defaultExport }) => [
    ...(/(^|[/.-])(utils?|helpers?|common|managers?|services?|misc)[/.-]/.test(file) ? ["is named after nothing in particular"] : []),
    ...["req", "res", "ctx", "opts"].filter((name) => names.has(name)).map((name) => `has something called ${name}`),
    ...(defaultExport && !file.endsWith(".d.ts") ? ["has a default export"] : []),
  ],
  exceptions: [],
};

export const RULES: readonly Rule[] = [
  importsPointOneWay,
  explicitExtensions,
  workersAreTwoUrls,
  threadsHaveOneOwner,
  runtimesHaveOnePlace,
  surroundingsHaveOneReader,
  vendorsHaveTheirFiles,
  metricsHaveOneOwner,
  filesAreShort,
  plainNames,
];

/** What is wrong in these files, and which exceptions no file needs. */
export function inspect(sources: readonly Source[]): string[] {
  return RULES.flatMap(({ name, check, exceptions }) => {
    const found = sources.flatMap((source) => check(source).map((problem) => ({ file: source.file, problem })));
    const excuses = ({ file, allows }: Exception, entry: (typeof found)[number]) => entry.file === file && entry.problem.startsWith(allows);
    const wrong = found.filter((entry) => !exceptions.some((exception) => excuses(exception, entry)));
    const unused = exceptions.filter((exception) => !found.some((entry) => excuses(exception, entry)));
    return [
      ...wrong.map(({ file, problem }) => `${file} ${problem} (rule: ${name})`),
      ...unused.map(({ file, allows }) => `${file} needs no exception for "${allows}" any more (rule: ${name})`),
    ];
  });
}
