/** Many inputs against one gateway in another process, and what has to hold of it afterwards. */

import { startSandbox } from "../../src/sandbox/sandbox.ts";
import { Call } from "../spec/client.ts";
import { DIALECTS } from "../spec/dialects.ts";
import { azureIn, bedrockIn, HAIKU } from "../support/upstreams.ts";
import { pause } from "../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../support/weir.ts";
import { exchange, type Patience } from "./exchange.ts";
import { type Input, inputOf, type Keys } from "./inputs.ts";
import { flawsOf } from "./verdict.ts";

export interface Plan {
  seed: number;
  /** Number of the first input. */
  from: number;
  count: number;
  runtime: RuntimeName;
  workers: number;
  /** Called for each input with a flaw, at once. */
  onFinding: (finding: Finding) => void;
  onProgress?: (done: number) => void;
}

export interface Finding {
  index: number;
  flaws: string[];
  input: Input;
}

export interface Result {
  /** Status, or how it ended without one → how often. */
  met: Record<string, number>;
  findings: number;
  /** What is wrong with the gateway after all inputs. */
  aftermath: string[];
  elapsedMs: number;
}

export const KEYS: Keys = {
  free: "weir_fuzz_free_Jq5Vn2Xc8Lm3",
  limited: "weir_fuzz_limited_Tb7Rw4Zk9Pd6",
  unknown: "weir_fuzz_unknown_Hs1Gy6Fj0Qa4",
};

/** Small, so that a body beyond it is cheap; and larger than what the front checks by itself (16 KiB). */
const MAX_BODY = 256 * 1024;
const FILLER = Buffer.alloc(MAX_BODY + 1, 0x20);
const AT_ONCE = 32;
/** A sign of life, however slow the gateway is. */
const PROGRESS_EVERY_MS = 10_000;
const PATIENCE: Patience = { answerMs: 20_000, doubtfulMs: 100 };
const AFTERMATH_MS = 10_000;

export async function fuzz({ seed, from, count, runtime, workers, onFinding, onProgress }: Plan): Promise<Result> {
  const sandbox = await startSandbox({ remember: 0 });
  const weir = await startWeir({ runtime, config: configuration(sandbox, workers) });
  const port = Number(new URL(weir.url).port);
  const met: Record<string, number> = {};
  let findings = 0;
  let taken = 0;
  let done = 0;
  const startedMs = performance.now();
  const progress = setInterval(() => onProgress?.(done), PROGRESS_EVERY_MS);
  try {
    const one = async (index: number): Promise<void> => {
      const input = inputOf(seed, index, KEYS, FILLER);
      const outcome = await exchange(port, input, PATIENCE);
      const label = outcome.answers[0]?.status ?? outcome.ending;
      met[label] = (met[label] ?? 0) + 1;
      const flaws = flawsOf(input, outcome);
      if (flaws.length === 0) return;
      findings += 1;
      onFinding({ index, flaws, input });
    };
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count) }, async () => {
        while (taken < count && weir.child.exitCode === null && weir.child.signalCode === null) {
          await one(from + taken++);
          done += 1;
        }
      }),
    );
    const elapsedMs = performance.now() - startedMs;
    return { met, findings, aftermath: await aftermath(weir), elapsedMs };
  } finally {
    clearInterval(progress);
    await weir.collect();
    await weir.stop("SIGKILL");
    // A runtime that was started by a script may still have these open, and this process would not end.
    for (const stream of [weir.child.stdout, weir.child.stderr]) stream?.destroy();
    await sandbox.close();
  }
}

/** Whatever has come, the gateway answers as before, holds nothing, and has logged no fault. */
async function aftermath(weir: Weir): Promise<string[]> {
  const { exitCode, signalCode } = weir.child;
  if (exitCode !== null || signalCode !== null)
    return [`the gateway has ended (${exitCode ?? signalCode}): ${weir.output().slice(-2_000)}`];
  const wrong: string[] = [];
  for (const dialect of DIALECTS) {
    const body = JSON.stringify(dialect.body("Hello"));
    const headers = { "content-type": "application/json", authorization: `Bearer ${KEYS.free}` };
    const call = new Call(Number(new URL(weir.url).port), { path: dialect.path, headers, body });
    const hanging = setTimeout(() => call.leave(), PATIENCE.answerMs);
    const { status, text } = await call.answered;
    clearTimeout(hanging);
    if (status !== 200) wrong.push(`${dialect.name}: a good call is answered with ${status} ${text.slice(0, 200)}`);
  }
  const untilMs = performance.now() + AFTERMATH_MS;
  let held = await heldBy(weir);
  while (held.length > 0 && performance.now() < untilMs) {
    await pause(50);
    held = await heldBy(weir);
  }
  const faults = weir
    .log()
    .filter(({ level, outcome, message }) => outcome === "internal" || level === "fatal" || (level === "error" && message !== "request"));
  return [...wrong, ...held, ...faults.slice(0, 20).map((line) => `the log says ${JSON.stringify(line)}`)];
}

/** Each of these metrics is 0 once no call is open. */
const EMPTY = ["weir_requests_in_flight", "weir_buffered_bytes", "weir_worker_streams", "weir_worker_restarts_total"];

async function heldBy(weir: Weir): Promise<string[]> {
  const answer = await fetch(`${weir.adminUrl}/metrics`, { signal: AbortSignal.timeout(PATIENCE.answerMs) }).catch(() => undefined);
  if (answer === undefined) return ["the admin listener does not answer"];
  const page = await answer.text();
  return page
    .split("\n")
    .filter((line) => EMPTY.some((name) => line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && !line.endsWith(" 0"));
}

type Sandbox = Awaited<ReturnType<typeof startSandbox>>;

function configuration(sandbox: Sandbox, workers: number): Record<string, unknown> {
  const haiku = (upstream: string) => ({ upstream, model: HAIKU });
  const gpt = (upstream: string) => ({ upstream, model: "gpt-4o" });
  const limits = { rpm: 60, tpm: 3_000 };
  return {
    server: { max_body: MAX_BODY },
    workers,
    limits: { rpm: 1_000_000_000, tpm: 1_000_000_000 },
    upstreams: {
      "bedrock-eu": bedrockIn("eu", sandbox),
      "bedrock-us": bedrockIn("us", sandbox),
      "bedrock-told": bedrockIn("eu", sandbox),
      "azure-eu": azureIn("eu", sandbox),
      "azure-us": azureIn("us", sandbox),
      "azure-told": azureIn("eu", sandbox),
    },
    models: {
      claude: { targets: [haiku("bedrock-eu"), haiku("bedrock-us")] },
      "claude-limited": { limits, targets: [haiku("bedrock-eu")] },
      "claude-told": { targets: [haiku("bedrock-told")] },
      gpt: { targets: [gpt("azure-eu"), gpt("azure-us")] },
      "gpt-limited": { limits, targets: [gpt("azure-eu")] },
      "gpt-told": { targets: [gpt("azure-told")] },
      embedding: { family: "cl100k", targets: [{ upstream: "azure-eu", model: "text-embedding-3-small" }] },
    },
    workspaces: {
      free: { default_region: "eu", keys: [keyEntry("ci", KEYS.free)] },
      limited: { default_region: "eu", limits, keys: [keyEntry("ci", KEYS.limited)] },
    },
  };
}
