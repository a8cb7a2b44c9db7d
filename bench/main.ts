/**
 * `bun run bench`: what Weir costs beside a bare pass-through of the same runtime, in the same run.
 *
 * CPU is user and system time of the whole process (`/proc`), which other work on the machine moves least; the figures to compare are ratios within
 * one run. A fresh process for each variant, order alternated, answers verified, medians of the rounds with least and most. Linux only.
 *
 *   bun bench/main.ts [--rounds 5] [--requests 8000] [--redis redis://…] [--json FILE]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const KEY = "weir_bench_key";
const CALLERS = 64;
/** Of each fresh process: the runtime compiles what is hot in its first seconds, and that is not what a gateway costs. */
const WARM_UP_MS = 3_000;
/** Of a `/proc` clock. */
const TICK_US = 10_000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    requests: { type: "string", default: "8000" },
    redis: { type: "string" },
    json: { type: "string" },
  },
});

interface Scenario {
  name: string;
  /** Path at the gateway, and at the upstream for the bare pass-through. */
  path: string;
  bare: string;
  body: string;
  /** Requests of it that are made for one of the others. */
  share: number;
  /** What an answer of the gateway holds when it is whole. */
  whole: string;
  /** Divides CPU per request: chunks of a stream. */
  chunks: number;
}

const PROMPT = "hello world ".repeat(160);
const MODEL = "claude-3-haiku-20240307";
const claude = { model: MODEL, max_tokens: 100, messages: [{ role: "user", content: PROMPT }] };
const gpt = { model: "gpt-4o", messages: [{ role: "user", content: PROMPT }] };
const [anthropic, openai] = ["/anthropic/eu/v1/messages", "/openai/eu/v1/chat/completions"];
const bedrockModel = "/model/anthropic.claude-3-haiku-20240307-v1%3A0";
const scenarios: Scenario[] = [
  {
    name: "OpenAI, 2 kB",
    path: openai,
    bare: "/openai/v1/chat/completions",
    body: JSON.stringify(gpt),
    share: 1,
    whole: "chatcmpl-bench",
    chunks: 1,
  },
  {
    name: "Bedrock, 2 kB, signed",
    path: anthropic,
    bare: `${bedrockModel}/invoke`,
    body: JSON.stringify(claude),
    share: 1,
    whole: "msg_bdrk_bench",
    chunks: 1,
  },
  {
    name: "OpenAI, chunk of a burst",
    path: openai,
    bare: "/openai/v1/chat/completions",
    body: JSON.stringify({ ...gpt, stream: true }),
    share: 0.4,
    whole: "[DONE]",
    chunks: 100,
  },
  {
    name: "Bedrock, chunk of a burst",
    path: anthropic,
    bare: `${bedrockModel}/invoke-with-response-stream`,
    body: JSON.stringify({ ...claude, stream: true }),
    share: 0.4,
    whole: "message_stop",
    chunks: 100,
  },
];

interface Running {
  child: ChildProcess;
  url: string;
}

async function start(words: string[]): Promise<Running> {
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  return await new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`${words.join(" ")} ended with ${code}`)));
    child.stdout?.on("data", (bytes: Buffer) => {
      output = (output + bytes.toString()).slice(-10_000);
      const port = /"port":(\d+).*"listening"|"listening".*"port":(\d+)/.exec(output);
      if (port !== null) resolve({ child, url: `http://127.0.0.1:${port[1] ?? port[2]}` });
    });
  });
}

function cpuMicroseconds({ child }: Running): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

async function ask(url: string, scenario: Scenario, verify: string | undefined): Promise<number> {
  const began = performance.now();
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": KEY },
    body: scenario.body,
  });
  const text = await answer.text();
  if (answer.status !== 200 || (verify !== undefined && !text.includes(verify)))
    throw new Error(`${scenario.name}: a wrong answer, status ${answer.status}`);
  return performance.now() - began;
}

async function many(url: string, scenario: Scenario, requests: number, verify: string | undefined): Promise<void> {
  let left = requests;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (left-- > 0) await ask(url, scenario, verify);
    }),
  );
}

interface Measured {
  cpu: number;
  p50: number;
  p99: number;
}

async function measure(target: Running, path: string, scenario: Scenario, verify: string | undefined): Promise<Measured> {
  const url = target.url + path;
  const requests = Math.ceil(Number(values.requests) * scenario.share);
  const warmUntilMs = performance.now() + WARM_UP_MS;
  while (performance.now() < warmUntilMs) await many(url, scenario, CALLERS * 4, verify);
  const before = cpuMicroseconds(target);
  await many(url, scenario, requests, verify);
  const cpu = (cpuMicroseconds(target) - before) / requests / scenario.chunks;
  const alone: number[] = [];
  for (let at = 0; at < 300; at++) alone.push(await ask(url, scenario, verify));
  alone.sort((a, b) => a - b);
  return { cpu, p50: alone[150] ?? 0, p99: alone[296] ?? 0 };
}

function configuration(upstream: string): string {
  const credentials = { access_key_id: "AKIABENCH", secret_access_key: "bench" };
  return JSON.stringify({
    server: { host: "127.0.0.1", port: 0 },
    admin: { port: 0 },
    limits: { rpm: 1_000_000_000, tpm: 1_000_000_000 },
    ...(values.redis === undefined ? {} : { redis: { url: values.redis, timeout: "1s" } }),
    upstreams: {
      bedrock: { provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint: upstream, credentials },
      azure: { provider: "azure", region: "eu", endpoint: upstream, credentials: { api_key: "bench" } },
    },
    models: {
      [MODEL]: { targets: [{ upstream: "bedrock", model: "anthropic.claude-3-haiku-20240307-v1:0" }] },
      "gpt-4o": { targets: [{ upstream: "azure", model: "gpt-4o" }] },
    },
    workspaces: { bench: { keys: [{ name: "bench", sha256: createHash("sha256").update(KEY).digest("hex") }] } },
  });
}

const median = (numbers: number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
const spread = (numbers: number[], digits: number) =>
  `${median(numbers).toFixed(digits)} (${Math.min(...numbers).toFixed(digits)}–${Math.max(...numbers).toFixed(digits)})`;

const folder = mkdtempSync(join(tmpdir(), "weir-bench-"));
const upstream = await start([join(import.meta.dir, "upstream.ts")]);
const config = join(folder, "weir.yaml");
writeFileSync(config, configuration(upstream.url));
const variants = {
  bare: () => start([join(import.meta.dir, "passthrough.ts"), upstream.url]),
  weir: () => start([join(import.meta.dir, "../src/main.ts"), "--config", config]),
};
type Variant = keyof typeof variants;

const results = scenarios.map((scenario) => ({ scenario: scenario.name, bare: [] as Measured[], weir: [] as Measured[] }));
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    const order: Variant[] = round % 2 === 0 ? ["bare", "weir"] : ["weir", "bare"];
    for (const [at, scenario] of scenarios.entries()) {
      for (const variant of order) {
        const target = await variants[variant]();
        const isWeir = variant === "weir";
        results[at]?.[variant].push(
          await measure(target, isWeir ? scenario.path : scenario.bare, scenario, isWeir ? scenario.whole : undefined),
        );
        target.child.removeAllListeners("exit");
        target.child.kill("SIGKILL");
      }
    }
    process.stderr.write(`round ${round + 1} of ${values.rounds}\n`);
  }
} finally {
  upstream.child.removeAllListeners("exit");
  upstream.child.kill();
  rmSync(folder, { recursive: true });
}

const machine = {
  processors: cpus().length,
  model: cpus()[0]?.model ?? "",
  bun: Bun.version,
  limiter: values.redis === undefined ? "memory" : "redis",
};
process.stdout.write(
  `${machine.processors} × ${machine.model}, Bun ${machine.bun}, limiter in ${machine.limiter}; median (least–most) of ${values.rounds} rounds\n\n`,
);
process.stdout.write(
  "| | CPU µs, bare | CPU µs, Weir | ratio of medians | one caller p50 ms, bare | Weir | p99 ms, bare | Weir |\n|--|--|--|--|--|--|--|--|\n",
);
for (const { scenario, bare, weir } of results) {
  const cpu = [bare.map((one) => one.cpu), weir.map((one) => one.cpu)] as const;
  const cells = [
    spread(cpu[0], 1),
    spread(cpu[1], 1),
    (median(cpu[1]) / median(cpu[0])).toFixed(2),
    ...[bare, weir].map((all) => median(all.map((one) => one.p50)).toFixed(3)),
    ...[bare, weir].map((all) => median(all.map((one) => one.p99)).toFixed(3)),
  ];
  process.stdout.write(`| ${scenario} | ${cells.join(" | ")} |\n`);
}
if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ machine, results }, null, 2));
