/**
 * What metrics, log and traces cost: microseconds of the front's thread for each call. This is not a test; run it:
 *
 *   bun bench/recording.ts [rounds]
 *
 * Each part does for one call what the gateway does, with the gateway's own code. Each round measures every part once. At the end the median of each part is
 * printed, with its least and its most.
 */

import process from "node:process";
import { Head, readHead } from "../src/http/head.ts";
import { LineBatch } from "../src/log/batch.ts";
import { Metrics } from "../src/metrics/metrics.ts";
import { AccessLog } from "../src/request/access-log.ts";
import { type Caller, Callers } from "../src/request/client/caller.ts";
import { TrustedProxies } from "../src/request/client/forwarded.ts";
import { callRecord, type Outcome } from "../src/request/outcome.ts";
import { Visit } from "../src/request/visit.ts";
import { openTracing } from "../src/tracing/open.ts";
import { serveDocument } from "./recording-world.ts";

const CALLS = 100_000;
const DIGITS = 3;

/** The head of a request of Claude Code, as it comes through a proxy. */
const HEAD = [
  "POST /anthropic/eu/v1/messages HTTP/1.1",
  "host: gateway.example.com",
  "authorization: Bearer weir_bench_0123456789abcdef",
  "content-type: application/json",
  "accept: application/json",
  "accept-encoding: gzip, deflate, br",
  "anthropic-version: 2023-06-01",
  "anthropic-beta: claude-code-20250219,interleaved-thinking-2025-05-14",
  "user-agent: claude-cli/2.1.0 (external, cli)",
  "x-app: cli",
  "x-stainless-lang: js",
  "x-stainless-package-version: 0.68.0",
  "x-stainless-retry-count: 0",
  "x-claude-code-session-id: 5f0c1f1e-8f9a-4d0f-9a55-1de6ea3dc3d2",
  "x-forwarded-for: 203.0.113.9",
  "content-length: 2048",
].join("\r\n");

const head = readHead(HEAD);
if (!(head instanceof Head)) throw new Error("the head is not read");
const asked = { method: "POST", headers: head, address: "10.0.0.5" };

const { config, dialect, identity, offer, attempt } = serveDocument();
const route = "/anthropic/{region}/v1/messages";
const metrics = new Metrics();
metrics.declareServed({
  offers: [{ route, model: offer.model, region: "eu", upstreams: [attempt.target.upstream.name] }],
  workspaces: [identity.workspace.name],
  modelsOf: () => [offer.model],
});
const accessLog = new AccessLog(new LineBatch({ write: () => {}, takes: () => true }), config.log);
const ended = {
  usage: { input: 900, output: 200, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 },
  firstByteMs: 400,
  upstreamMs: 2_000,
  upstreamRequestId: "64dc68d4-69bd-42d9-aa88-079c1576da35",
  estimate: 950,
  unfinished: "",
  attempts: 1,
};
const outcome: Outcome = { outcome: "ok", error: undefined, ended, status: 200, firstByteAtMs: performance.now(), passedBytes: 0 };

function visitOf(caller: Caller): Visit {
  const visit = new Visit(dialect, route, "eu", caller, undefined);
  visit.identified(identity);
  visit.routed(offer);
  visit.attempted(attempt, visit.claim, 1);
  visit.ended(ended.usage);
  return visit;
}

const place = { route, operation: "generate" };
const callers = new Callers(new TrustedProxies(["10.0.0.0/8"]), undefined);
const unattributed = { ...config, log: { ...config.log, attribution: false } };
const visit = visitOf(callers.of(asked, place, config));

// Nothing listens at this address: what it costs to send traces is not measured here.
process.env.OTEL_TRACES_SAMPLER = "traceidratio";
process.env.OTEL_TRACES_SAMPLER_ARG = "0.01";
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = "http://127.0.0.1:9";
const tracing = await openTracing(true, { version: "bench", process: undefined, onSpans: () => {} });

function trace(): void {
  const span = tracing?.begin({ method: "POST", ...place, traceparent: "", tracestate: "" });
  if (span === undefined) return;
  const { upstream, model } = attempt.target;
  span.attemptBegan({ provider: upstream.telemetryName, upstream: upstream.name, model, stream: true, maxTokens: 1_000, session: "s" });
  span.attemptEnded({ outcome: "ok", usage: ended.usage, firstByteMs: 400, upstreamRequestId: ended.upstreamRequestId, sendings: 1 });
  const who = { requestId: visit.requestId, workspace: visit.workspace, keyId: identity.id, model: offer.model, region: "eu", client: "" };
  span.ended({ ...who, status: 200, outcome: "ok", attempts: 1 });
}

const PARTS: Record<string, () => void> = {
  "metrics of a call and its attempt": () => {
    metrics.callStarted(route);
    metrics.limiterDecided(identity.workspace.name, offer.model, "admitted");
    metrics.upstreams.attemptEnded(attempt.target.upstream.name, offer.model, "ok", 1, ended);
    metrics.callEnded(callRecord(visit, outcome, performance.now()));
  },
  "who calls, from its headers": () => void callers.of(asked, place, config),
  "who calls, with attribution off": () => void callers.of(asked, place, unattributed),
  "the line of a call": () => accessLog.add(visit, outcome, performance.now()),
  "traces, 1 % of the calls sampled": trace,
};

const rounds = Number(process.argv[2] ?? 9);
const found = new Map<string, number[]>(Object.keys(PARTS).map((name) => [name, []]));
for (let round = 0; round <= rounds; round++) {
  for (const [name, part] of Object.entries(PARTS)) {
    const began = performance.now();
    for (let count = 0; count < CALLS; count++) part();
    // The first round is for the compiler.
    if (round > 0) found.get(name)?.push(((performance.now() - began) * 1000) / CALLS);
    await new Promise((resolve) => setTimeout(resolve));
  }
}
console.log(`µs per call: median of ${rounds} rounds of ${CALLS} calls (least to most)`);
for (const [name, times] of found) {
  times.sort((one, other) => one - other);
  const [least = 0, median = 0, most = 0] = [times[0], times[Math.floor(times.length / 2)], times.at(-1)];
  console.log(`${name.padEnd(36)} ${median.toFixed(DIGITS)} (${least.toFixed(DIGITS)} to ${most.toFixed(DIGITS)})`);
}
process.exit(0);
