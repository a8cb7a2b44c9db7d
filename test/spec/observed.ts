/** What operators see: metrics, the access log, and never a secret. */
import { expect } from "bun:test";
import { eventually } from "../support/waits.ts";
import { anthropic, DIALECTS, openai } from "./dialects.ts";
import { ADMIN_TOKEN, type World } from "./world.ts";

/** The names of the metrics, each with its labels. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  weir_requests_total: ["route", "model", "region", "outcome"],
  weir_workspace_requests_total: ["workspace", "outcome"],
  weir_affinity_moves_total: ["upstream"],
  weir_buffered_bytes: [],
  weir_connections: ["listener"],
  weir_requests_in_flight: ["route"],
  weir_request_duration_seconds_bucket: ["le", "route", "outcome"],
  weir_overhead_seconds_bucket: ["le", "route"],
  weir_time_to_first_byte_seconds_bucket: ["le", "route", "model"],
  weir_chunk_gap_seconds_bucket: ["le", "route"],
  weir_tokens_total: ["workspace", "model", "direction"],
  weir_token_parts_total: ["workspace", "model", "part"],
  weir_worker_queue_depth: ["worker"],
  weir_worker_streams: ["worker"],
  weir_worker_event_loop_lag_seconds: ["worker"],
  weir_worker_restarts_total: [],
  weir_trace_spans_total: ["result"],
  weir_upstream_attempts_total: ["upstream", "model", "outcome"],
  weir_upstream_retries_total: ["upstream"],
  weir_upstream_breaker_state: ["upstream", "model"],
  weir_dropped_total: ["model", "name"],
  weir_guardrail_interventions_total: ["upstream", "model"],
  weir_upstream_first_byte_seconds_bucket: ["le", "upstream", "model"],
  weir_upstream_duration_seconds_bucket: ["le", "upstream", "model"],
  weir_key_expiry_timestamp_seconds: ["workspace"],
  weir_config_stale: [],
  weir_directory_keys: ["source"],
  weir_build_info: ["version", "runtime"],
};

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

async function scrape(world: World): Promise<Sample[]> {
  const text = await (await fetch(`${world.weir.adminUrl}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name = "", inside = "", value] = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
      return {
        name,
        labels: Object.fromEntries([...inside.matchAll(/(\w+)="([^"]*)"/g)].map((match) => [match[1], match[2]])),
        value: Number(value),
      };
    });
}

function find(samples: readonly Sample[], name: string, labels: Record<string, string>): number {
  const matching = samples.filter(
    (sample) => sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  );
  return matching.reduce((sum, { value }) => sum + value, 0);
}

export function specifyObservation(world: World): void {
  world.sentence("the metrics have the names and labels that are promised, and label values exist before the first request", async () => {
    const weir = await world.another();
    const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
    for (const label of [
      'model="claude",region="us",outcome="ok"',
      'model="gpt",region="eu",outcome="ok"',
      'model="gpt",region="eu",outcome="upstream_timeout"',
    ])
      expect(text).toContain(label);
    weir.child.kill("SIGKILL");
    await world.ask(openai, { stream: true });
    // What is left out of requests has no name before.
    await world.ask(anthropic, { headers: { "anthropic-beta": "files-api-2025-04-14" } });
    const samples = await scrape(world);
    for (const [name, labels] of Object.entries(NAMES)) {
      const sample = samples.find((each) => each.name === name);
      expect([name, Object.keys(sample?.labels ?? {}).sort()]).toEqual([name, [...labels].sort()]);
    }
    const others = new Set(samples.map(({ name }) => name).filter((name) => name.startsWith("weir_")));
    for (const name of Object.keys(NAMES)) {
      others.delete(name);
      for (const suffix of ["_sum", "_count"]) others.delete(name.replace(/_bucket$/, suffix));
    }
    expect([...others].filter((name) => !/^weir_(limiter|redis|token_|upstream_(retries|breaker)|config_)/.test(name))).toEqual([]);
    expect(find(samples, "weir_build_info", {})).toBe(1);
    expect(samples.find(({ name }) => name === "weir_build_info")?.labels.runtime).toStartWith(world.runtime);
    expect(samples.filter(({ name }) => name === "weir_worker_event_loop_lag_seconds").map(({ labels }) => labels.worker)).toContain(
      "front",
    );
  });

  world.sentence("a request moves its counters, by route, model, region and outcome", async () => {
    for (const dialect of DIALECTS) {
      const route = dialect.path.replace("/eu/", "/{region}/");
      const [model, upstream] = dialect === anthropic ? ["claude", "bedrock-eu"] : ["gpt", "azure-eu"];
      const labels = { route, model, region: "eu" };
      const before = await scrape(world);
      await Promise.all([true, false].map((stream) => world.ask(dialect, { stream, prompt: "[sandbox: tokens=7]" })));
      await world.ask(dialect, { prompt: "[sandbox: throttle]" });
      await world.ask(dialect, { more: { model: "nobody-knows" } });
      const after = await scrape(world);
      const moved = (name: string, where: Record<string, string>) => find(after, name, where) - find(before, name, where);
      expect(moved("weir_requests_total", { ...labels, outcome: "ok" })).toBe(2);
      expect(moved("weir_requests_total", { ...labels, outcome: "upstream_rate_limited" })).toBe(1);
      expect(moved("weir_requests_total", { route, model: "other", outcome: "unknown_model" })).toBe(1);
      expect(moved("weir_upstream_attempts_total", { upstream, model, outcome: "ok" })).toBe(2);
      expect(moved("weir_tokens_total", { workspace: "acme", model, direction: "output" })).toBe(14);
      expect(moved("weir_tokens_total", { workspace: "acme", model, direction: "input" })).toBeGreaterThan(2);
      expect(moved("weir_request_duration_seconds_count", { route, outcome: "ok" })).toBe(2);
      expect(moved("weir_time_to_first_byte_seconds_count", { route, model })).toBe(2);
      expect(moved("weir_overhead_seconds_count", { route })).toBeGreaterThanOrEqual(2);
    }
    expect(JSON.stringify(await scrape(world))).not.toContain("nobody-knows");
  });

  world.sentence(
    "every request has one line in the log: id, workspace, key by name and id, model, upstream, outcome, timings and tokens",
    async () => {
      for (const dialect of DIALECTS) {
        for (const stream of [true, false]) {
          const answered = await world.ask(dialect, { stream, prompt: "[sandbox: tokens=7]" });
          const line = await world.logged(answered);
          expect(line).toMatchObject({
            level: "info",
            time: expect.any(String),
            request_id: answered.headers.get("request-id"),
            route: dialect.path.replace("/eu/", "/{region}/"),
            region: "eu",
            workspace: "acme",
            key: "ci",
            key_id: expect.stringMatching(/^key_[0-9a-f]{16}$/),
            model: dialect === anthropic ? "claude" : "gpt",
            stream,
            upstream: dialect === anthropic ? "bedrock-eu" : "azure-eu",
            upstream_model: expect.any(String),
            upstream_request_id: expect.stringMatching(/.+/),
            outcome: "ok",
            duration_ms: expect.any(Number),
            first_byte_ms: expect.any(Number),
            upstream_ms: expect.any(Number),
            input_tokens: expect.any(Number),
            output_tokens: 7,
          });
          expect(world.weir.log().filter((each) => each.request_id === line.request_id)).toHaveLength(1);
        }
      }
    },
  );
}

/** Looked at when everything else has been said and done. */
export function specifySecrecy(world: World): void {
  world.sentence("each of the failures above has one line in the log, with its kind as the outcome", async () => {
    expect(world.expectedLines.length).toBeGreaterThan(50);
    for (const { answered, expected } of world.expectedLines) expect(await world.logged(answered)).toMatchObject(expected);
  });

  world.sentence("after all of this nothing is in flight, and no worker was lost", async () => {
    await eventually(async () => find(await scrape(world), "weir_requests_in_flight", {}) === 0, "nothing in flight");
    const samples = await scrape(world);
    expect(find(samples, "weir_worker_streams", {})).toBe(0);
    expect(find(samples, "weir_worker_restarts_total", {})).toBe(0);
    expect(find(samples, "weir_requests_total", { outcome: "internal" })).toBe(0);
  });

  world.sentence("after all of this no key, token, credential or word of a prompt is in the log or in the metrics", async () => {
    const metrics = await (await fetch(`${world.weir.adminUrl}/metrics`)).text();
    expect(
      (await fetch(`${world.weir.adminUrl}/admin/v1/workspaces`, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } })).status,
    ).toBeLessThan(500);
    expect(await world.weir.stop("SIGTERM")).toBe(0);
    const output = world.weir.output();
    expect(world.weir.log().length).toBeGreaterThan(100);
    for (const secret of world.secrets) {
      expect(secret.length).toBeGreaterThan(8);
      expect(output.includes(secret)).toBe(false);
      expect(metrics.includes(secret)).toBe(false);
    }
    // Nothing but log lines: no stray stack traces, no warnings of the runtime.
    expect(output.split("\n").filter((line) => line !== "" && !line.startsWith("{"))).toEqual([]);
  });
}
