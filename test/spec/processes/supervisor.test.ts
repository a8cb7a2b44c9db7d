/** The supervisor over processes that the test scripts. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../src/config/config.ts";
import type { Config } from "../../../src/contract/config.ts";
import { MergedMetrics, type Snapshot } from "../../../src/metrics/merged.ts";
import { Metrics } from "../../../src/metrics/metrics.ts";
import { WholeLines } from "../../../src/supervisor/child.ts";
import { mergeReadiness } from "../../../src/supervisor/readiness.ts";
import { Supervisor } from "../../../src/supervisor/supervisor.ts";
import { eventually, pause } from "../../support/waits.ts";

const BUILT = 'process.send({ type: "built" });';
const SERVING = `${BUILT} process.on("message", ({ type }) => type === "listen" && process.send({ type: "listening", adminPort: 1 }));`;

/** Supervises two processes that run this source. */
function supervise(source: string, pulseMs?: number) {
  const folder = mkdtempSync(join(tmpdir(), "weir-supervisor-"));
  writeFileSync(join(folder, "process.mjs"), source);
  const config: Config = { ...readConfig({ document: {}, sandbox: true, environment: {} }).config, processes: 2 };
  const lines: Record<string, unknown>[] = [];
  const said: string[] = [];
  const left: number[] = [];
  let servings = 0;
  let released = false;
  const log = (fields: object, message: string) => void lines.push({ ...fields, message });
  const supervisor = new Supervisor({
    config,
    log: { info: log, error: log },
    command: [process.execPath, join(folder, "process.mjs")],
    environment: process.env,
    held: {
      port: 1,
      release: async () => {
        released = true;
      },
    },
    listenAdmin: () => 1,
    onLines: (text) => void said.push(text),
    onServing: () => {
      servings++;
    },
    leave: (exitCode) => void left.push(exitCode),
    ...(pulseMs === undefined ? {} : { pulseMs }),
  });
  return { supervisor, lines, said, left, servings: () => servings, released: () => released };
}

describe("a supervisor", () => {
  test("ends with the exit code of a process that cannot start, and does not try again", async () => {
    const { lines, left, said, servings, released } = supervise('console.log("why"); process.exit(7);');
    await eventually(() => left.length > 0, "the supervisor to leave");
    expect(left).toEqual([7]);
    expect(said.length).toBeGreaterThan(0);
    expect([servings(), released()]).toEqual([0, false]);
    expect(lines.filter(({ pause_ms }) => pause_ms !== undefined)).toEqual([]);
  });

  test("opens the port when all have been built, not before", async () => {
    const folder = mkdtempSync(join(tmpdir(), "weir-built-"));
    const go = join(folder, "go");
    const other = `const look = setInterval(() => { if (existsSync(${JSON.stringify(go)})) { clearInterval(look); ${SERVING} } }, 5);`;
    const { supervisor, said, left, servings, released } = supervise(
      `import { existsSync } from "node:fs"; if (process.env.WEIR_PROCESS === "0") { ${SERVING} console.log("one is built"); } else { ${other} }`,
    );
    await eventually(() => said.join("").includes("one is built"), "one of the two to be built");
    await pause(50);
    expect([servings(), released()]).toEqual([0, false]);
    writeFileSync(go, "");
    await eventually(() => servings() === 1, "all to serve");
    expect(released()).toBe(true);
    supervisor.kill();
    supervisor.drain();
    await eventually(() => left.length > 0, "the supervisor to leave");
  });

  test("replaces one that dies young again and again after pauses that grow, the first time at once", async () => {
    const dying = 'if (type === "listen" && process.env.WEIR_PROCESS === "1") setTimeout(() => process.exit(3), 50);';
    const { supervisor, lines, left } = supervise(`${SERVING} process.on("message", ({ type }) => { ${dying} });`);
    const pauses = () => lines.flatMap(({ ended, end, pause_ms }) => (ended === 1 && end === 3 ? [pause_ms] : []));
    await eventually(() => pauses().length >= 3, "three deaths", 8_000);
    expect(pauses().slice(0, 3)).toEqual([0, 500, 1_000]);
    supervisor.kill();
    supervisor.drain();
    await eventually(() => left.length > 0, "the supervisor to leave");
  }, 10_000);
});

describe("a process that is alive and does not answer", () => {
  test("is ended and replaced", async () => {
    const { supervisor, lines, left } = supervise(SERVING, 30);
    await eventually(() => lines.some(({ stuck }) => stuck === 0), "it to be noticed");
    await eventually(() => lines.some(({ ended, end }) => ended === 0 && end === "SIGKILL"), "it to be ended");
    await eventually(() => lines.filter(({ started }) => started === 0).length === 2, "another one in its place");
    supervisor.drain();
    supervisor.kill();
    await eventually(() => left.length > 0, "the supervisor to leave");
  });
});

describe("whole lines", () => {
  test("come out whole wherever the text was cut", () => {
    const text = '{"a":1}\n{"b":"ü"}\n\nrest';
    for (let cut = 0; cut <= text.length; cut++) {
      const passed: string[] = [];
      const lines = new WholeLines((whole) => passed.push(whole));
      lines.write(text.slice(0, cut));
      lines.write(text.slice(cut));
      lines.end();
      expect(passed.join("")).toBe(`${text}\n`);
      for (const whole of passed) expect(whole).toEndWith("\n");
    }
  });
});

describe("the readiness of several processes", () => {
  const ok = { gateway: "ok", limiter: "redis" };
  test("is that of any of them", () => {
    const away = { index: 1, ready: false, detail: undefined, absence: "starting" };
    expect(mergeReadiness(false, [{ index: 0, ready: true, detail: ok }, away])).toEqual({
      ready: true,
      detail: { gateway: "1 of 2 processes ready; process 1: starting", limiter: "redis" },
    });
    expect(mergeReadiness(false, [away]).ready).toBe(false);
    expect(mergeReadiness(true, [{ index: 0, ready: true, detail: ok }])).toMatchObject({ ready: false, detail: { gateway: "draining" } });
  });

  test("tells apart what differs", () => {
    const members = ["redis", "local"].map((limiter, index) => ({ index, ready: true, detail: { ...ok, limiter } }));
    expect(mergeReadiness(false, members).detail.limiter).toBe("process 0: redis; process 1: local");
  });
});

describe("merged metrics", () => {
  const counter = (value: number): Snapshot => [
    { name: "c_total", help: "c", type: "counter", aggregator: "sum", values: [{ labels: { a: "x" }, value }] },
  ];
  const gauge = (value: number, worker = "0"): Snapshot => [
    { name: "g", help: "g", type: "gauge", aggregator: "sum", values: [{ labels: { worker }, value }] },
  ];

  test("add up counters, and forget nothing of a process that has ended", async () => {
    const merged = new MergedMetrics();
    merged.take(0, counter(2));
    merged.take(1, counter(3));
    merged.take(0, counter(4));
    expect(await merged.render()).toContain('c_total{a="x"} 7');
    merged.gone(0);
    const rendered = merged.render();
    merged.gone(1);
    expect(await rendered).toContain('c_total{a="x"} 7');
    merged.take(0, counter(1));
    expect(await merged.render()).toContain('c_total{a="x"} 8');
  });

  test("are made of what each process tells of itself as JSON", async () => {
    const merged = new MergedMetrics();
    const alone = new Metrics();
    for (const index of [0, 1]) {
      alone.limiterDecided("acme", "claude", "admitted");
      alone.limiterTook("reserve", 2);
      merged.take(index, JSON.parse(JSON.stringify(await alone.snapshot())) as Snapshot);
    }
    const text = await merged.render();
    expect(text).toContain('weir_limiter_decisions_total{workspace="acme",model="claude",decision="admitted"} 3\n');
    expect(text).toMatch(/weir_limiter_duration_seconds_bucket\{le="0.0025",operation="reserve"\} 3\n/);
    expect(text).toMatch(/weir_limiter_duration_seconds_bucket\{le="\+Inf",operation="reserve"\} 3\n/);
    expect(text).toContain('weir_limiter_duration_seconds_count{operation="reserve"} 3\n');
    // The same series as without others, each once.
    const series = (of: string) =>
      of
        .split("\n")
        .filter((line) => line.startsWith("weir_"))
        .map((line) => sorted(line.slice(0, line.lastIndexOf(" "))));
    const own = /^weir_process(es|_restarts_total)$/;
    expect(
      series(text)
        .filter((one) => !own.test(one))
        .sort(),
    ).toEqual(series(await alone.render()).sort());
  });

  const sorted = (name: string) => name.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").sort().join(",")}}`);

  test("name workers by process, and drop the gauges of a process that has ended", async () => {
    const merged = new MergedMetrics();
    merged.take(0, gauge(1));
    merged.take(1, gauge(2, "front"));
    expect(await merged.render()).toContain('g{worker="0.0"} 1\ng{worker="1.front"} 2');
    merged.gone(1);
    expect(await merged.render()).not.toContain("1.front");
  });
});
