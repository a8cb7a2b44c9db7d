import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loads } from "./loads.ts";
import { loops } from "./loops.ts";
import { inspect, RULES } from "./rules.ts";
import { readSource } from "./source.ts";

const ROOT = join(import.meta.dir, "../..");

function sourcesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
}

const files = ["src", "workers"].flatMap(sourcesOf).sort();
const sources = files.map((file) => readSource(file, readFileSync(join(ROOT, file), "utf8")));

test("every file under src and workers keeps the rules of the house", () => {
  expect(files.length).toBeGreaterThan(20);
  expect(inspect(sources)).toEqual([]);
  expect(loops(sources)).toEqual([]);
});

/** Each module takes some 20 kB in each thread that loads it: docs/benchmarks.md, "Where the memory goes". */
describe("what is loaded before the first call", () => {
  const FRONT = "src/process/start.ts";
  const WORKER = "workers/worker.ts";
  const nameOf = (module: string) => /^(?:@[^/]+\/)?[^/]+/.exec(module)?.[0] ?? module;
  const packagesOf = (entry: string) => {
    const names = [...loads(sources, entry)].filter((name) => !name.startsWith("node:")).map(nameOf);
    return [...new Set(names)].sort();
  };

  test("a worker loads no package", () => {
    expect(packagesOf(WORKER)).toEqual([]);
  });

  test("the front loads these packages and no other", () => {
    expect(packagesOf(FRONT)).toEqual(["@sinclair/typebox", "elysia", "ioredis", "pino", "prom-client", "yaml"]);
  });

  test("neither loads the runtime's own HTTP servers and clients", () => {
    const all = [...loads(sources, FRONT), ...loads(sources, WORKER)];
    expect(all.filter((name) => /^(node:(http|https|http2|cluster)|prom-client)$/.test(name))).toEqual([]);
  });
});

/** Each rule is tried on made-up files, wrong ones and right ones: a rule that finds nothing is worth nothing. */
const SAMPLES: Record<string, { wrong: [file: string, text: string, found: string][]; right: [file: string, text: string][] }> = {
  "imports point one way": {
    wrong: [
      ["src/routing/router.ts", 'import { Pool } from "../pool/pool.ts";', "imports src/pool/pool.ts: routing may see contract"],
      ["src/routing/router.ts", 'import type { Pool } from "../pool/pool.ts";', "imports src/pool/pool.ts: routing may see contract"],
      ["src/routing/router.ts", 'export { a } from "../pool/pool.ts";', "imports src/pool/pool.ts: routing may see contract"],
      ["src/routing/router.ts", 'export * from "../pool/pool.ts";', "imports src/pool/pool.ts: routing may see contract"],
      ["src/routing/router.ts", 'const a = await import("../pool/pool.ts");', "imports src/pool/pool.ts: routing may see contract"],
      ["src/routing/router.ts", 'let a: import("../pool/pool.ts").Pool;', "imports src/pool/pool.ts: routing may see contract"],
      ["src/contract/call.ts", 'import "../routing/router.ts";', "imports src/routing/router.ts: contract may see contract"],
      ["src/dialects/openai.ts", 'import "../request/gateway.ts";', "imports src/request/gateway.ts: dialects may see contract"],
      ["src/routing/catalog.ts", 'import "../request/gateway.ts";', "imports src/request/gateway.ts: routing may see contract"],
      ["src/request/gateway.ts", 'import "../main.ts";', "may see contract, dialects"],
      ["src/request/gateway.ts", 'import "../sandbox/sandbox.ts";', "may see contract, dialects"],
      ["src/main.ts", 'import "../workers/worker.ts";', "src knows of the workers one URL"],
      ["src/routing/router.ts", 'import "../../test/clock.ts";', "outside src and workers"],
      ["workers/relay.ts", 'import "../src/log/log.ts";', "workers see contract and dialects only"],
      ["workers/wire/http.ts", 'import "../../src/providers/index.ts";', "workers see contract and dialects only"],
      [
        "workers/providers/a/a.ts",
        'import { settings } from "../../../src/providers/a/settings.ts";',
        "workers see contract and dialects only",
      ],
      [
        "workers/providers/a/a.ts",
        'import type { B } from "../../../src/providers/b/settings.ts";',
        "workers see contract and dialects only",
      ],
      ["workers/relay.ts", 'import type { A } from "../src/providers/a/settings.ts";', "workers see contract and dialects only"],
    ],
    right: [
      ["src/routing/router.ts", 'import type { Key } from "../contract/config.ts"; import { createHash } from "node:crypto";'],
      ["src/request/gateway.ts", 'import "./keyring.ts"; import "../dialects/index.ts"; import "../limiter/limiter.ts";'],
      ["src/config/config.ts", 'import "./schema.ts"; import "../providers/index.ts";'],
      ["src/main.ts", 'import "./request/gateway.ts"; import "./sandbox/sandbox.ts";'],
      ["workers/providers/a/a.ts", 'import type { A } from "../../../src/providers/a/settings.ts";'],
      ["workers/relay.ts", 'import "../src/dialects/index.ts"; import "./wire/http.ts"; import "../src/contract/errors.ts";'],
    ],
  },
  "an import names its file in full": {
    wrong: [
      ["src/request/keyring.ts", 'import "./contract/config";', 'imports "./contract/config" without its extension'],
      ["src/limiter/redis.ts", 'import "..";', "without its extension"],
    ],
    right: [["src/limiter/redis.ts", 'import lua from "./reserve.lua" with { type: "text" }; import "./ring.ts"; import "ioredis";']],
  },
  "src knows of the workers two URLs, in the pool: what a thread runs, and what this one runs in its place": {
    wrong: [
      ["src/main.ts", 'new URL("../workers/worker.ts", import.meta.url);', "names the workers"],
      ["src/pool/pool.ts", 'new URL("../../workers/relay.ts", import.meta.url);', "names the workers"],
    ],
    right: [
      ["src/pool/thread.ts", 'new URL("../../workers/worker.ts", import.meta.url);'],
      ["src/pool/inline.ts", 'new URL("../../workers/desk.ts", import.meta.url);'],
    ],
  },
  "threads are made in the pool alone": {
    wrong: [
      ["src/request/gateway.ts", 'new Worker("x");', "makes a Worker"],
      ["src/request/gateway.ts", 'new globalThis.Worker("x");', "makes a Worker"],
      ["workers/worker.ts", 'import { parentPort } from "node:worker_threads";', "imports node:worker_threads"],
    ],
    right: [
      ["src/request/gateway.ts", "let worker: Worker;"],
      ["src/pool/slot.ts", 'new Worker("x");'],
    ],
  },
  "Bun and Deno are named in one file": {
    wrong: [
      ["src/request/gateway.ts", "Bun.serve({});", "says Bun"],
      ["workers/worker.ts", "if (globalThis.Deno) throw 1;", "says Deno"],
      ["workers/worker.ts", 'const runtime = globalThis["Deno"];', "says Deno"],
      ["src/request/keyring.ts", 'import { serve } from "bun";', "imports bun"],
      ["src/request/keyring.ts", "const isBun = process.versions.bun;", "asks process.versions"],
    ],
    right: [["src/request/gateway.ts", "// Bun closes it after 10 s.\nconst bundle = 1;"]],
  },
  "environment and files are read by the configuration alone": {
    wrong: [
      ["workers/worker.ts", "const key = process.env.KEY;", "reads process.env"],
      ["workers/worker.ts", 'const key = process["env"].KEY;', "reads process.env"],
      ["src/request/keyring.ts", 'import { readFileSync } from "node:fs";', "imports node:fs"],
      ["src/request/keyring.ts", 'import { readFile } from "fs/promises";', "imports fs/promises"],
    ],
    right: [
      ["src/config/config.ts", 'import { readFileSync } from "node:fs"; const a = process.env.A;'],
      ["src/config/document.ts", 'import { readFileSync } from "node:fs";'],
    ],
  },
  "a vendor is named in its own files alone": {
    wrong: [
      ["src/request/gateway.ts", 'if (dialect === "anthropic") send();', "names anthropic"],
      ["workers/relay.ts", "const isAzure = true;", "names azure"],
      ["src/providers/bedrock/bedrock.ts", 'const other = "openai";', "names openai"],
      ["src/routing/catalog.ts", "const text = `from $" + "{place} of Bedrock`;", "names bedrock"],
      ["src/sandbox/state.ts", 'import type { Kept } from "./azure/kept.ts";', "names azure"],
      ["src/sandbox/azure/kept.ts", 'import { validation } from "../bedrock/errors.ts";', "names bedrock"],
    ],
    right: [
      ["src/request/gateway.ts", "// Anthropic's clients send it.\nsend();"],
      ["src/dialects/anthropic/schema.ts", 'const name = "anthropic";'],
      ["workers/providers/bedrock/bedrock.ts", 'const version = "anthropic_version";'],
      ["src/providers/index.ts", 'import { azure } from "./azure.ts"; import { bedrock } from "./bedrock.ts";'],
      ["src/sandbox/azure/azure.ts", 'const name = "azure";'],
    ],
  },
  "prom-client is imported by the metrics alone": {
    wrong: [["src/request/gateway.ts", 'import { Counter } from "prom-client";', "imports prom-client"]],
    right: [["src/request/gateway.ts", 'import type { Metrics } from "./metrics.ts";']],
  },
  "a file has at most 300 lines": {
    wrong: [["src/request/keyring.ts", "\n".repeat(301), "has 301 lines"]],
    right: [["src/request/keyring.ts", "\n".repeat(300)]],
  },
  "names say what a thing is": {
    wrong: [
      ["src/utils.ts", "", "is named after nothing in particular"],
      ["workers/wire/helpers/text.ts", "", "is named after nothing in particular"],
      ["src/key-manager.ts", "", "is named after nothing in particular"],
      ["src/request/gateway.ts", "function handle(req: Request) {}", "has something called req"],
      ["src/request/gateway.ts", "export default function handle() {}", "has a default export"],
    ],
    right: [["src/request/gateway.ts", "export function handle(request: Request) {}"]],
  },
};

describe("the rules themselves", () => {
  test("each is tried on samples", () => {
    expect(Object.keys(SAMPLES)).toEqual(RULES.map(({ name }) => name));
  });

  for (const { name, check, exceptions } of RULES) {
    for (const [file, text, found] of SAMPLES[name]?.wrong ?? [])
      test(`"${name}" finds what is wrong with ${JSON.stringify(text.slice(0, 70))} in ${file}`, () => {
        expect(check(readSource(file, text)).join("; ")).toContain(found);
      });
    for (const [file, text] of SAMPLES[name]?.right ?? [])
      test(`"${name}" has nothing against ${JSON.stringify(text.slice(0, 70))} in ${file}`, () => {
        expect(check(readSource(file, text))).toEqual([]);
      });
    test(`"${name}" gives a reason for each of its exceptions`, () => {
      for (const { because } of exceptions) expect(because).not.toBe("");
    });
  }

  test("an exception that no file uses is reported", () => {
    const told = inspect([readSource("src/http/connection.ts", "const short = 1;")]);
    expect(told).toContain('src/http/connection.ts needs no exception for "has" any more (rule: a file has at most 300 lines)');
  });

  test("an exception allows what it names and no more", () => {
    const told = inspect([
      readSource("src/process/program.ts", 'import "../../workers/worker.ts"; import "../../package.json" with { type: "json" };'),
    ]);
    expect(told).toContain(
      "src/process/program.ts imports workers/worker.ts: src knows of the workers one URL (rule: imports point one way)",
    );
    expect(told.join()).not.toContain("src/process/program.ts imports package.json");
  });

  test("what is loaded is found through all files, without types and without what is asked for later", () => {
    const texts: Record<string, string> = {
      "src/a.ts": 'import "./b/b.ts"; import "node:net"; import type { T } from "types"; const late = await import("./late.ts");',
      "src/b/b.ts": 'export { c } from "../c.ts"; import "../a.ts"; import { type U, v } from "both";',
      "src/c.ts": 'import "deep"; export const c = 1;',
      "src/late.ts": 'import "late";',
    };
    const all = Object.entries(texts).map(([file, text]) => readSource(file, text));
    expect([...loads(all, "src/a.ts")].sort()).toEqual(["both", "deep", "node:net"]);
    expect([...loads(all, "src/late.ts")]).toEqual(["late"]);
  });

  test("a loop of imports is found, however long it is", () => {
    const sources = [
      readSource("src/a/a.ts", 'import "./b.ts";'),
      readSource("src/a/b.ts", 'import type { C } from "./c.ts"; import "./d.ts";'),
      readSource("src/a/c.ts", 'export * from "./a.ts";'),
      readSource("src/a/d.ts", 'import "./e.ts";'),
      readSource("src/a/e.ts", ""),
    ];
    expect(loops(sources)).toEqual(["src/a/a.ts → src/a/b.ts → src/a/c.ts → src/a/a.ts"]);
    expect(loops(sources.slice(3))).toEqual([]);
  });

  test("a file that is not TypeScript is an error, not a file without imports", () => {
    expect(() => readSource("src/request/keyring.ts", "import {")).toThrow("src/request/keyring.ts");
  });
});
