/**
 * What operators look at: rules, alerts and dashboards, tried with a real Prometheus that scrapes two real gateways. To wait two minutes for
 * each alert would be too long for a test, so that the rules run in a faster time: every duration in them is divided by `TIMES`. `deploy/prometheus/weir-alerts.test.yaml`
 * and `bun run verify:deploy` try them in true time.
 */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { anthropic } from "../spec/dialects.ts";
import { eventually } from "../support/waits.ts";
import { dashboards, filledIn } from "./dashboards.ts";
import {
  type Alert,
  DEPLOY,
  type Ending,
  hastened,
  havePrometheus,
  type Prometheus,
  promtool,
  shippedRules,
  startPrometheus,
} from "./prometheus.ts";
import { ObservedWorld } from "./world.ts";

const TIMES = Number(process.env.WEIR_TEST_HASTE ?? 40);
const SCRAPE_MS = Number(process.env.WEIR_TEST_SCRAPE_MS ?? Math.max(200, 6_000 / TIMES));
/** Two minutes of the faster time, and what a busy machine may add. */
const PATIENCE_MS = 120_000 / TIMES + 15_000;

setDefaultTimeout(TIMES === 1 ? 900_000 : 60_000);

const RULES = join(DEPLOY, "prometheus");
const RUNBOOK = readFileSync(join(import.meta.dir, "../../docs/runbook.md"), "utf8");

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: { severity: string };
  annotations?: { summary: string; description: string; runbook_url: string };
}

const rules = Object.values(shippedRules()).flatMap((text) =>
  (parse(text) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules),
);
const alerts = rules.filter(({ alert }) => alert !== undefined);
/** The list of the dashboard in which Grafana offers its Prometheus servers. */
const DATASOURCE = `\${datasource}`;
/** Alerts that depend on the machine that the test runs on. */
const OF_THE_MACHINE = ["WeirOverheadHigh", "WeirThreadBusy", "WeirLimiterSlow"];
/** Fails at the first target of its model, and not at the second. */
const FAILS = { prompt: "[sandbox: overloaded for=first]" };

/** They take longer than anything else here: begun first and looked at last. */
const unitTests = havePrometheus ? promtool(["test", "rules", "weir-alerts.test.yaml"], RULES) : Promise.reject(new Error("no promtool"));
unitTests.catch(() => {});

const NAMES = alerts.map(({ alert = "" }) => alert);

describe.skipIf(!havePrometheus)("the rules", () => {
  test("are good", async () => {
    expect(await promtool(["check", "rules", ...Object.keys(shippedRules())], RULES)).toMatchObject({ status: 0 });
    expect(await promtool(["check", "config", "prometheus.yaml"], RULES)).toMatchObject({ status: 0 });
  });

  test("have a unit test for each alert, in which it fires", () => {
    const tested = readFileSync(join(RULES, "weir-alerts.test.yaml"), "utf8");
    const firing = new Set([...tested.matchAll(/alertname="(\w+)", alertstate="firing"/g)].map(([, name]) => name));
    expect([...firing].sort()).toEqual(NAMES.toSorted());
  });

  test("ask for metrics that there are", () => {
    const page = readFileSync(join(import.meta.dir, "../../docs/metrics.md"), "utf8");
    const known = new Set([...page.matchAll(/^\| `(weir_\w+)` \| (\w+)/gm)].map(([, name = ""]) => name));
    for (const { expr } of rules)
      for (const [, name = ""] of expr.matchAll(/(?<![:\w])(weir_[a-z_]+)(?=[{ [])/g))
        expect([expr, known.has(name.replace(/_(bucket|count|sum)$/, "")) || known.has(name)]).toEqual([expr, true]);
  });
});

describe("the runbook", () => {
  const paragraphs = new Map(
    [...RUNBOOK.matchAll(/^### (Weir\w+)\n\n([\s\S]*?)(?=\n##|(?![\s\S]))/gm)].map(([, name = "", text = ""]) => [name, text]),
  );

  test("has a paragraph for each alert and no other: what it means, what to look at, what to do", () => {
    expect([...paragraphs.keys()].sort()).toEqual(NAMES.toSorted());
    for (const [name, text] of paragraphs)
      for (const part of ["Means", "Look at", "Do"]) expect([name, part, text.includes(`**${part}:** `)]).toEqual([name, part, true]);
  });

  test("is where each alert links to, at its own paragraph", () => {
    for (const { alert = "", annotations, labels } of alerts) {
      expect(annotations?.runbook_url).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      expect(["critical", "warning", "info"]).toContain(labels?.severity ?? "");
      expect(annotations?.summary).not.toBe("");
      expect(annotations?.description.length).toBeGreaterThan(30);
    }
  });

  test("sends its reader from one alert to another that exists, and names metrics that there are", () => {
    const page = readFileSync(join(import.meta.dir, "../../docs/metrics.md"), "utf8");
    for (const [name] of RUNBOOK.matchAll(/\bWeir[A-Z]\w+/g)) expect(NAMES).toContain(name);
    for (const [, name = ""] of RUNBOOK.matchAll(/\b(weir_[a-z_]+)/g)) expect(page).toContain(`| \`${name}\` |`);
  });
});

describe("the dashboards", () => {
  test("are linked with each other, and every panel has a query, a unit and a place that no other panel covers", () => {
    const all = dashboards();
    expect(all.map(({ uid }) => uid).sort()).toEqual(["weir-limits", "weir-overview", "weir-runtime", "weir-upstreams"]);
    for (const { file, uid, links, panels } of all) {
      expect(file).toBe(`${uid}.json`);
      expect(links.map(({ url }) => url.slice("/d/".length)).sort()).toEqual(
        all
          .map((other) => other.uid)
          .filter((other) => other !== uid)
          .sort(),
      );
      for (const { title, type, targets = [], datasource, fieldConfig, gridPos } of panels.filter((panel) => panel.type !== "row")) {
        expect([title, type, targets.length > 0, datasource.uid, fieldConfig.defaults.unit !== undefined]).toEqual([
          title,
          expect.any(String),
          true,
          DATASOURCE,
          true,
        ]);
        const over = panels.filter(
          ({ gridPos: other }) =>
            other.x < gridPos.x + gridPos.w &&
            gridPos.x < other.x + other.w &&
            other.y < gridPos.y + gridPos.h &&
            gridPos.y < other.y + other.h,
        );
        expect(over.map((panel) => panel.title)).toEqual([title]);
      }
    }
  });
});

describe.skipIf(!havePrometheus)("two gateways and a Prometheus", () => {
  let world: ObservedWorld;
  let prometheus: Prometheus;
  let mixed: { stop(): void }[] = [];
  let idle: Promise<Ending>;
  beforeAll(async () => {
    world = await ObservedWorld.start();
    idle = anIdleHour();
    prometheus = await startPrometheus({
      targets: world.targets,
      scrapeMs: SCRAPE_MS,
      rules: Object.fromEntries(Object.entries(shippedRules()).map(([name, text]) => [name, hastened(text, TIMES)])),
    });
  });
  afterAll(async () => {
    await prometheus?.stop();
    await world?.stop();
  });

  /** The alerts that have fired, by name, once all of `names` have. `of`: labels that they must have. */
  async function firing(names: readonly string[], of: Readonly<Record<string, string>> = {}): Promise<Map<string, Alert[]>> {
    const seen = new Map<string, Alert[]>();
    const missing = () => names.filter((name) => !seen.has(name));
    const look = async () => {
      for (const alert of await prometheus.alerts()) {
        const { alertname = "" } = alert.labels;
        const before = seen.get(alertname) ?? [];
        if (Object.entries(of).some(([label, value]) => alert.labels[label] !== value)) continue;
        if (alert.state === "firing" && !before.some(({ labels }) => Bun.deepEquals(labels, alert.labels)))
          seen.set(alertname, [...before, alert]);
      }
      return missing().length === 0;
    };
    await eventually(look, "alerts", PATIENCE_MS).catch(() => {
      throw new Error(`do not fire after ${PATIENCE_MS} ms: ${missing().join(", ")}; firing: ${[...seen.keys()].join(", ")}`);
    });
    return seen;
  }

  /** An hour of simulated time in which the gateways say what they say now. */
  async function anIdleHour(): Promise<Ending> {
    const folder = mkdtempSync(join(tmpdir(), "weir-idle-"));
    const series: { series: string; values: string }[] = [];
    for (const target of world.targets) {
      const text = await (await fetch(`http://${target}/metrics`)).text();
      series.push({ series: `up{job="weir", instance="${target}"}`, values: "1x60" });
      for (const [, name = "", inside = "", value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
        // These follow another clock: what expires is meant to be alerted, and the hour that is simulated begins in 1970.
        if (name.endsWith("_expiry_timestamp_seconds") || value === "Nan" || value === "NaN") continue;
        const labels = [`job="weir"`, `instance="${target}"`, ...(inside === "" ? [] : [inside])];
        series.push({ series: `${name}{${labels.join(", ")}}`, values: `${value}x60` });
      }
    }
    expect(series.length).toBeGreaterThan(500);
    // What does not change looks the same once a minute, at a quarter of the cost.
    for (const [name, text] of Object.entries(shippedRules()))
      writeFileSync(join(folder, name), text.replaceAll("interval: 15s", "interval: 1m"));
    // How late the threads were at that one moment is the machine's doing, and would hold for the whole hour.
    const expr = `ALERTS{alertname!~"${OF_THE_MACHINE.join("|")}"}`;
    const checks = Array.from({ length: 13 }, (_, at) => ({ expr, eval_time: `${at * 5}m`, exp_samples: [] }));
    const unit = {
      rule_files: Object.keys(shippedRules()),
      evaluation_interval: "1m",
      tests: [{ interval: "1m", input_series: series, promql_expr_test: checks }],
    };
    writeFileSync(join(folder, "idle.yaml"), JSON.stringify(unit));
    const ending = await promtool(["test", "rules", "idle.yaml"], folder);
    rmSync(folder, { recursive: true, force: true });
    return ending;
  }

  test("under mixed traffic every rule can be evaluated, and no alert fires but those of the key, the credential and the certificate that expire", async () => {
    mixed = [
      world.keepAsking({}, 60),
      world.keepAsking({ stream: false }, 150),
      world.keepAsking({ dialect: anthropic }, 60),
      world.keepAsking({}, 150, world.second),
      world.keepAsking({ stream: false }, 300, world.second),
      // One call now and then needs the other target, so that there are retries to be seen: so seldom that a busy machine's few calls are ten times as many.
      world.keepAsking(FAILS, 5_000),
    ];
    // What the alert for slow first bytes compares with lies five minutes back.
    const baselineMs = 330_000 / TIMES;
    const isThere = async () => {
      const [count] = await prometheus.query('count_over_time(job_model:weir_time_to_first_byte_seconds:p90_2m{model="claude"}[1h])');
      return Number(count?.value[1] ?? 0) * (15_000 / TIMES) > baselineMs;
    };
    await eventually(isThere, "a baseline", baselineMs * 1.2 + 15_000);
    const others = (await prometheus.alerts()).filter(
      ({ labels, state }) => state === "firing" && !OF_THE_MACHINE.includes(labels.alertname ?? ""),
    );
    expect(others.map(({ labels }) => `${labels.alertname} ${labels.workspace ?? labels.upstream ?? labels.listener}`).sort()).toEqual([
      "WeirCertificateExpires public",
      "WeirCredentialExpires bedrock-ending",
      "WeirKeyExpires leaving",
    ]);
    expect(await prometheus.brokenRules()).toEqual([]);
  });

  test("every query of every panel, and every list, has data", async () => {
    const interval = `${SCRAPE_MS * 10}ms`;
    const without: string[] = [];
    const look = async (where: string, expression: string) => {
      const result = await prometheus.query(expression);
      if (result.length === 0 || result.every(({ value }) => value[1] === "NaN")) without.push(`${where}: ${expression}`);
    };
    for (const dashboard of dashboards()) {
      for (const { title, targets = [] } of dashboard.panels)
        for (const { expr } of targets) await look(`${dashboard.title}, ${title}`, filledIn(expr, interval, dashboard));
      for (const { name, definition } of dashboard.templating.list) {
        if (definition === undefined) continue;
        const [, selector = "", label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? [];
        await look(`${dashboard.title}, list ${name}`, `count by (${label}) (${filledIn(selector, interval, dashboard)})`);
      }
      for (const { expr } of dashboard.annotations.list) await look(`${dashboard.title}, annotations`, filledIn(expr, interval, dashboard));
    }
    expect(without).toEqual([]);
  });

  test("a thousand models, keys and paths that there are not make no series", async () => {
    const count = async () =>
      (await (await fetch(`${world.second.adminUrl}/metrics`)).text()).split("\n").filter((line) => !line.startsWith("#")).length;
    const { path } = anthropic;
    const strange = async (at: number) => {
      const there = { "content-type": "application/json", authorization: `Bearer ${world.key("acme")}`, "x-weir-tag": `tag-${at}` };
      const calls = [
        { path: `${path}/strange-${at}`, headers: there, model: "claude" },
        { path, headers: there, model: `strange-${at}` },
        { path, headers: { ...there, authorization: `Bearer weir_strange_${at}` }, model: "claude" },
      ];
      for (const { path: where, headers, model } of calls)
        await (
          await fetch(world.addressOf(world.second) + where, {
            method: "POST",
            tls: { rejectUnauthorized: false },
            headers,
            body: JSON.stringify(anthropic.body("Hello", { model })),
          })
        ).text();
    };
    await strange(0);
    const before = await count();
    for (let at = 1; at <= 1_000; at += 50) await Promise.all(Array.from({ length: 50 }, (_, more) => strange(at + more)));
    // A worker's first sample, an outcome that was not met before: a handful at most.
    expect((await count()) - before).toBeLessThan(20);
  });

  test("the alert of calls that need another target fires", async () => {
    for (const load of mixed) load.stop();
    // Evenly spread, so that the breaker stays closed.
    const load = world.keepAsking([{}, {}, {}, FAILS], 20);
    await firing(["WeirFallbacks"]);
    load.stop();
  });

  async function crashWorkers(): Promise<void> {
    for (let at = 0; at < 4; at++) {
      await world.crashWorker();
      await world.weir.logged(({ message }) => message === "a worker died and is being replaced");
      // Workers that die one after the other make it not ready for a minute, although all of them run.
      const workers = async () => ((await (await fetch(`${world.weir.adminUrl}/readyz`)).json()) as { workers: string }).workers;
      await eventually(async () => /^(\d+) of \1 running/.test(await workers()), "the worker to be replaced");
    }
  }

  test("what each alert is for makes it fire", async () => {
    const startedMs = performance.now();
    const sinceMs = (beganMs: number) => Math.round(performance.now() - beganMs);
    // A target that is not there, one that refuses our credential, one that throttles.
    world.keepAsking({ model: "gpt-down" }, 200);
    world.keepAsking({ model: "gpt-wrong" }, 500);
    world.keepAsking([{ model: "gpt-alone", prompt: "[sandbox: throttle]" }, { model: "gpt-alone" }], 100);
    // A model that has become slow.
    for (let at = 0; at < 4; at++) world.keepAsking({ dialect: anthropic, prompt: "[sandbox: delay ms=1500]" }, 20);
    // A workspace over its limit, and one with more calls at a time than it may have.
    world.keepAsking({ workspace: "small" }, 150);
    for (let at = 0; at < 4; at++) world.keepAsking({ workspace: "narrow", prompt: "[sandbox: delay ms=400]" }, 200);
    world.spoilConfiguration();
    const flapping = crashWorkers();
    const first = await firing([
      "WeirTargetDown",
      "WeirTargetFails",
      "WeirCallsFail",
      "WeirMisconfigured",
      "WeirUpstreamThrottles",
      "WeirWorkspaceLimited",
      "WeirOverloaded",
      "WeirConfigStale",
      "WeirWorkerDied",
      "WeirWorkerFlaps",
      "WeirKeyExpires",
      "WeirCredentialExpires",
      "WeirCertificateExpires",
    ]);
    // Calls that wait for their first byte do not survive the workers' deaths.
    const [slower] = await Promise.all([firing(["WeirFirstByteSlower"], { model: "claude" }), flapping]);
    const label = (name: string, which: string) => first.get(name)?.map(({ labels }) => labels[which]);
    expect(label("WeirTargetDown", "upstream")).toContain("azure-nowhere");
    expect(label("WeirMisconfigured", "upstream")).toEqual(["azure-wrong"]);
    expect(label("WeirUpstreamThrottles", "upstream")).toEqual(["azure-eu"]);
    expect(label("WeirWorkspaceLimited", "workspace")).toEqual(["small"]);
    expect(label("WeirConfigStale", "instance")).toEqual([new URL(world.weir.adminUrl).host]);
    // The words are filled in: nothing is left of a template, and nothing is empty.
    for (const { annotations } of [...first.values(), ...slower.values()].flat())
      expect(Object.values(annotations).filter((text) => /\{\{|<no value>|%!|\bfor $/.test(text))).toEqual([]);

    const firstMs = sinceMs(startedMs);
    // Without Redis, and without the second gateway.
    const beganMs = performance.now();
    await world.redis.kill();
    world.second.child.kill("SIGKILL");
    const later = await firing(["WeirLimiterDegraded", "WeirDown"]);
    expect(later.get("WeirLimiterDegraded")?.map(({ labels }) => labels.state)).toEqual(["local"]);
    expect(later.get("WeirDown")?.map(({ labels }) => labels.instance)).toEqual([new URL(world.second.adminUrl).host]);
    console.log(
      `in a time ${TIMES} times as fast: ${first.size} alerts within ${firstMs} ms, without Redis and the other gateway within ${sinceMs(beganMs)} ms`,
    );

    // The alerts of what is mended end.
    world.mendConfiguration();
    await world.redis.start();
    const gone = async () => {
      const left = new Set((await prometheus.alerts()).map(({ labels }) => labels.alertname));
      return !left.has("WeirConfigStale") && !left.has("WeirLimiterDegraded");
    };
    await eventually(gone, "the alerts of what was mended to end", PATIENCE_MS);
  });

  // Begun long before, and reckoned while the tests above waited.
  test("no alert fires for an hour of simulated time on what an idle gateway said", async () => {
    const { status, said } = await idle;
    expect({ status, said: status === 0 ? "" : said }).toEqual({ status: 0, said: "" });
  });

  test("the unit tests of the rules pass", async () => {
    const { status, said } = await unitTests;
    expect({ status, said: said.includes("FAILED") ? said : "" }).toEqual({ status: 0, said: "" });
  });
});
