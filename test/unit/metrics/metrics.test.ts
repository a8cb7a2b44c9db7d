import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { Counter, Registry } from "prom-client";
import type { CallRecord } from "../../../src/metrics/calls.ts";
import type { LabelValues } from "../../../src/metrics/labels.ts";
import { MergedMetrics } from "../../../src/metrics/merged.ts";
import { Metrics } from "../../../src/metrics/metrics.ts";
import { metricsData, metricsText } from "../../../src/metrics/registry.ts";
import { METRICS_PAGE, withMetrics } from "../../docs/metrics-reference.ts";

test("docs/metrics.md has the table of every metric as the registry has it (bun run docs)", () => {
  const page = readFileSync(METRICS_PAGE, "utf8");
  expect(page).toBe(withMetrics(page));
  // The metrics of the supervisor are there too, and every metric has an explanation.
  for (const name of ["weir_requests_total", "weir_processes"]) expect(page).toContain(`| \`${name}\` |`);
  expect(page.split("\n").filter((line) => /^\| `weir_\w+` .*\| {2,}\|$/.test(line))).toEqual([]);
});

test("a scrape makes pauses for other work of the thread, and its text is that of the library", async () => {
  const registry = new Registry();
  for (let at = 0; at < 40; at++) {
    const counter = new Counter({ name: `many_${at}`, help: "Many values.", labelNames: ["which"], registers: [registry] });
    for (let value = 0; value < 500; value++) counter.inc({ which: `"${value}"\n` }, value);
  }
  let turns = 0;
  let over = false;
  const turn = () => {
    turns += 1;
    if (!over) setImmediate(turn);
  };
  setImmediate(turn);
  const text = await metricsText(registry, 0);
  expect(turns).toBeGreaterThan(30);
  turns = 0;
  const data = await metricsData(registry, 0);
  expect(turns).toBeGreaterThan(30);
  over = true;
  expect(text).toBe(await registry.metrics());
  expect(data).toEqual(await registry.getMetricsAsJSON());
});

test("a scrape has the metrics of the process, without those that would stop the thread", async () => {
  const text = await new Metrics().render();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(names).toContain("process_resident_memory_bytes");
  expect(names.filter((name) => name === "process_open_fds")).toHaveLength(1);
  expect(names.filter((name) => name?.startsWith("nodejs_heap_space"))).toEqual([]);
  expect(Number(/^process_open_fds (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(2);
});

const ROUTE = "/openai/{region}/v1/chat/completions";

/** Two workspaces, of which the second brings a model and an upstream; or only the first one. */
function served(workspaces: readonly string[] = ["acme", "byok"]): LabelValues {
  const own = { route: ROUTE, model: "own-model", region: "us", upstreams: ["byok/own"] };
  return {
    offers: [{ route: ROUTE, model: "gpt", region: "eu", upstreams: ["azure"] }, ...(workspaces.includes("byok") ? [own] : [])],
    workspaces,
    modelsOf: (workspace) => (workspace === "byok" ? ["own-model"] : ["gpt"]),
  };
}

function declared(): Metrics {
  const metrics = new Metrics();
  metrics.declare({ version: "1", runtime: "bun", routes: [ROUTE, "other"], redisErrors: ["timeout"], served: served() });
  return metrics;
}

/** A call of `byok` has begun and ended, with a decision of the limiter. */
function serveOwn(metrics: Metrics): void {
  const usage = { input: 10, output: 5, cacheRead: 0, cacheWrite: 0, cacheWriteHour: 0, reasoning: 0 };
  const place = { route: ROUTE, workspace: "byok", model: "own-model", region: "us", upstream: "byok/own" };
  metrics.callStarted(ROUTE);
  metrics.workspaces.decided("byok", "own-model", "admitted");
  metrics.debtMade("own-model", 3);
  metrics.upstreams.attemptEnded("byok/own", "own-model", "ok", 1, { firstByteMs: 40, upstreamMs: 70 });
  metrics.callEnded({ ...place, outcome: "ok", durationMs: 9, firstByteMs: 5, overheadMs: 1, usage, estimateFactor: 1.1 });
}

const seriesOf = (text: string, what: string) => text.split("\n").filter((line) => !line.startsWith("#") && line.includes(what));

test("the series of a removed workspace, model or upstream are gone, and a call that outlives them counts under `other`", async () => {
  const metrics = declared();
  serveOwn(metrics);
  const before = await metrics.render();
  for (const what of ['workspace="byok"', 'model="own-model"', 'upstream="byok/own"']) expect(seriesOf(before, what)).not.toEqual([]);
  metrics.declareServed(served(["acme"]));
  serveOwn(metrics);
  const after = await metrics.render();
  for (const what of ["byok", "own-model", 'region="us"']) expect([what, seriesOf(after, what)]).toEqual([what, []]);
  expect(after).toContain('weir_tokens_total{workspace="other",model="other",direction="input"} 10');
  expect(after).toContain('weir_upstream_attempts_total{upstream="other",model="other",outcome="ok"} 1');
  expect(after).toContain('weir_limiter_decisions_total{workspace="acme",model="gpt",decision="requests"} 0');
  metrics.declareServed(served());
  serveOwn(metrics);
  expect(await metrics.render()).toContain('weir_tokens_total{workspace="byok",model="own-model",direction="input"} 10');
});

test("the counts of an ended process are dropped for a workspace that was removed", async () => {
  const merged = new MergedMetrics();
  const [dead, living] = [declared(), declared()];
  serveOwn(dead);
  const taken = async (metrics: Metrics) => JSON.parse(JSON.stringify(await metrics.snapshot()));
  merged.take(0, await taken(dead));
  merged.take(1, await taken(living));
  merged.gone(0);
  const tokens = 'weir_tokens_total{workspace="byok",model="own-model",direction="input"}';
  expect(await merged.render()).toContain(`${tokens} 10`);
  living.declareServed(served(["acme"]));
  merged.take(1, await taken(living));
  expect(seriesOf(await merged.render(), "byok")).toEqual([]);
});

test("series that alerts need are there with 0 before the first call", async () => {
  const text = await declared().render();
  for (const series of [
    ...[
      "ok",
      "misconfigured",
      "internal",
      "worker_lost",
      "overloaded",
      "upstream_timeout",
      "limiter_unavailable",
      "rate_limited_tokens",
    ].map((outcome) => `weir_requests_total{route="${ROUTE}",model="gpt",region="eu",outcome="${outcome}"}`),
    `weir_requests_total{route="${ROUTE}",model="other",region="other",outcome="unauthenticated"}`,
    'weir_upstream_attempts_total{upstream="azure",model="gpt",outcome="misconfigured"}',
    ...["admitted", "requests", "tokens", "too_large", "counts"].map(
      (decision) => `weir_limiter_decisions_total{workspace="acme",model="gpt",decision="${decision}"}`,
    ),
    'weir_tokens_total{workspace="acme",model="gpt",direction="output"}',
    'weir_token_debt_total{model="gpt"}',
    "weir_worker_restarts_total",
    'weir_redis_errors_total{kind="timeout"}',
    `weir_overhead_seconds_count{route="${ROUTE}"}`,
    `weir_request_duration_seconds_count{route="${ROUTE}",outcome="ok"}`,
  ])
    expect(text).toContain(`${series} 0`);
});

test("a refused configuration is shown until one is applied", async () => {
  const metrics = new Metrics();
  expect(await metrics.render()).toContain("weir_config_stale 0");
  metrics.configuration.reloaded("refused");
  expect(await metrics.render()).toContain("weir_config_stale 1");
  metrics.configuration.reloaded("applied");
  expect(await metrics.render()).toContain("weir_config_stale 0");
});

test("the first expiry of a workspace's keys is shown: without rotated ones, and for one more day after it", async () => {
  const metrics = new Metrics();
  const hourMs = 3_600_000;
  const now = Date.now();
  const key = (name: string, expiresAtMs: number, replacedBy?: string) => ({ workspace: { name }, expiresAtMs, replacedBy });
  metrics.configuration.keysKnown({ config: 6 }, [
    key("acme", now + 50 * hourMs),
    key("acme", now + 20 * hourMs),
    key("acme", now + hourMs, "key_0123"),
    key("calm", Number.POSITIVE_INFINITY),
    key("late", now - hourMs),
    key("forgotten", now - 30 * hourMs),
  ]);
  const told = () =>
    metrics.render().then((text) => [...text.matchAll(/^weir_key_expiry_timestamp_seconds\{(.*)\} (\S+)$/gm)].map(([, ...rest]) => rest));
  expect(await told()).toEqual([
    ['workspace="late"', String((now - hourMs) / 1000)],
    ['workspace="acme"', String((now + 20 * hourMs) / 1000)],
  ]);
  metrics.configuration.keysKnown(
    { config: 500 },
    Array.from({ length: 500 }, (_, at) => key(`workspace-${at}`, now + at * hourMs)),
  );
  const many = await told();
  expect(many.length).toBe(100);
  expect(many[0]?.[0]).toBe('workspace="workspace-0"');
});

test("the expiry of a credential is shown with its whole lifetime, which a reload does not make shorter", async () => {
  const metrics = new Metrics();
  const hourMs = 3_600_000;
  const now = Date.now();
  const told = async () =>
    [...(await metrics.render()).matchAll(/^weir_credential_(\w+?)_(?:timestamp_)?seconds\{upstream="(.*)"\} (\S+)$/gm)].map(
      ([, ...rest]) => rest,
    );
  const upstream = (name: string, expiresAtMs: number, issuedAtMs?: number) => ({ upstream: name, expiresAtMs, issuedAtMs });
  const credentials = [
    upstream("later", now + 6 * hourMs, now - 6 * hourMs),
    upstream("unsaid", now + hourMs),
    upstream("forgotten", now - 30 * hourMs),
  ];
  metrics.configuration.credentialsKnown(credentials, now);
  metrics.configuration.credentialsKnown(credentials, now + hourMs / 2);
  expect(await told()).toEqual([
    ["expiry", "unsaid", String((now + hourMs) / 1000)],
    ["expiry", "later", String((now + 6 * hourMs) / 1000)],
    ["lifetime", "unsaid", "3600"],
    ["lifetime", "later", "43200"],
  ]);
  // Another credential has its own lifetime, and an upstream that was removed has none.
  metrics.configuration.credentialsKnown([upstream("unsaid", now + 4 * hourMs)], now + 2 * hourMs);
  expect(await told()).toEqual([
    ["expiry", "unsaid", String((now + 4 * hourMs) / 1000)],
    ["lifetime", "unsaid", "7200"],
  ]);
});

test("the times of attempts are counted by target: first byte and end of an answer, only the end of a failure, nothing where nothing was sent", async () => {
  const metrics = declared();
  const seen = async () =>
    [
      ...(await metrics.render()).matchAll(
        /^weir_upstream_(first_byte|duration)_seconds_(sum|count)\{upstream="azure",model="gpt"\} (\S+)$/gm,
      ),
    ].map(([, ...rest]) => rest.join(" "));
  expect(await seen()).toEqual(["first_byte sum 0", "first_byte count 0", "duration sum 0", "duration count 0"]);
  metrics.upstreams.attemptEnded("azure", "gpt", "ok", 1, { firstByteMs: 250, upstreamMs: 2_000 });
  metrics.upstreams.attemptEnded("azure", "gpt", "upstream_failed", 1, { firstByteMs: 500, upstreamMs: 500 });
  metrics.upstreams.attemptEnded("azure", "gpt", "misconfigured", 1, { firstByteMs: 0, upstreamMs: 0 });
  metrics.upstreams.attemptEnded("azure", "gpt", "worker_lost", 1, undefined);
  expect(await seen()).toEqual(["first_byte sum 0.25", "first_byte count 1", "duration sum 2.5", "duration count 2"]);
});

test("a field that is left out is counted each time, and reported the first time for each model", async () => {
  const metrics = new Metrics();
  metrics.declareServed(served());
  const reported: string[] = [];
  metrics.dropped.reportFirst((model, name) => reported.push(`${model}: ${name}`));
  metrics.dropped.note("gpt", "metadata, thinking");
  metrics.dropped.note("gpt", "metadata");
  metrics.dropped.note("own-model", "metadata");
  expect(reported).toEqual(["gpt: metadata", "gpt: thinking", "own-model: metadata"]);
  const lines = (await metrics.render()).split("\n").filter((line) => line.startsWith("weir_dropped_total{"));
  expect(lines.sort()).toEqual([
    'weir_dropped_total{model="gpt",name="metadata"} 2',
    'weir_dropped_total{model="gpt",name="thinking"} 1',
    'weir_dropped_total{model="own-model",name="metadata"} 1',
  ]);
});

test("with more workspaces and models than are declared, the first call of a pair makes the series of all its decisions", async () => {
  const metrics = declared();
  const many = Array.from({ length: 300 }, (_, at) => `workspace-${at}`);
  metrics.declareServed(served(many));
  expect(seriesOf(await metrics.render(), "workspace-")).toEqual([]);
  metrics.workspaces.decided("workspace-7", "gpt", "admitted");
  expect(seriesOf(await metrics.render(), "workspace-7").length).toBe(5);
});

test.skipIf(Bun.which("promtool") === null)("promtool finds nothing to say, of one process and of several", async () => {
  const metrics = declared();
  serveOwn(metrics);
  const merged = new MergedMetrics();
  merged.take(0, JSON.parse(JSON.stringify(await metrics.snapshot())));
  for (const text of [await metrics.render(), await merged.render()]) {
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: "" });
  }
});

test("workspaces after the first two hundred share one series, and a removed workspace makes room for another", async () => {
  const metrics = new Metrics();
  const offers = [{ route: "/r", model: "m", region: "eu", upstreams: ["u"] }];
  const serving = (workspaces: readonly string[]) => ({ offers, workspaces, modelsOf: () => ["m"] });
  const call = (workspace: string): CallRecord => ({
    route: "/r",
    workspace,
    model: "m",
    region: "eu",
    upstream: "u",
    outcome: "ok",
    durationMs: 1,
    firstByteMs: 1,
    overheadMs: 1,
    usage: undefined,
    estimateFactor: undefined,
  });
  const names = async () => [
    ...new Set([...(await metrics.render()).matchAll(/weir_workspace_requests_total\{workspace="([^"]+)"/g)].map(([, name]) => name)),
  ];
  const all = Array.from({ length: 1_000 }, (_, at) => `w${at}`);
  metrics.declareServed(serving(all));
  for (const workspace of all) metrics.callEnded(call(workspace));
  expect(await names()).toHaveLength(201);
  expect(await metrics.render()).toContain('weir_workspace_requests_total{workspace="other",outcome="ok"} 800');
  metrics.declareServed(serving(all.slice(100)));
  metrics.callEnded(call("w999"));
  expect(await metrics.render()).toContain('weir_workspace_requests_total{workspace="w999",outcome="ok"} 1');
  expect(await metrics.render()).not.toContain('workspace="w0"');
});
