/**
 * `npm run pictures`: draws the dashboards of `deploy/grafana` into `docs/dashboards`. Two gateways under mixed traffic are scraped by a real Prometheus
 * for seven minutes, with incidents in the last three; each panel's own queries are then asked of it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { anthropic } from "../spec/dialects.ts";
import { pause } from "../support/waits.ts";
import { type Dashboard, dashboards, filledIn, type Panel } from "./dashboards.ts";
import { type Curve, drawing } from "./drawing.ts";
import { type Prometheus, shippedRules, startPrometheus } from "./prometheus.ts";
import { ObservedWorld } from "./world.ts";

const FOLDER = join(import.meta.dir, "../../docs/dashboards");
const SCRAPE_MS = 5_000;
const QUIET_MS = Number(process.env.WEIR_PICTURES_QUIET_MS ?? 240_000);
const INCIDENT_MS = Number(process.env.WEIR_PICTURES_INCIDENT_MS ?? 180_000);
/** Grafana's `$__rate_interval`: four scrapes. */
const INTERVAL = `${(4 * SCRAPE_MS) / 1_000}s`;
const NOTE =
  "Drawn by test/deploy/pictures.ts (ECharts), not by Grafana: each panel's own queries, asked of a Prometheus that scraped two gateways under test traffic on a busy machine.";

async function curvesOf(
  panel: Panel,
  dashboard: Dashboard,
  prometheus: Prometheus,
  span: { fromMs: number; toMs: number },
): Promise<Curve[]> {
  const curves: Curve[] = [];
  for (const { expr, legendFormat } of panel.targets ?? []) {
    for (const { metric, values } of await prometheus.range(filledIn(expr, INTERVAL, dashboard), { ...span, stepMs: SCRAPE_MS }))
      curves.push({
        name: legendFormat.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? ""),
        points: values.map(([seconds, value]) => [seconds * 1_000, Number(value)]),
      });
  }
  // Curves with values are drawn above those that stayed at 0.
  const most = ({ points }: Curve) => Math.max(...points.map(([, value]) => (Number.isFinite(value) ? value : 0)));
  return curves.sort((a, b) => most(b) - most(a));
}

const world = await ObservedWorld.start();
const prometheus = await startPrometheus({ targets: world.targets, scrapeMs: SCRAPE_MS, rules: shippedRules() });
try {
  const fromMs = Date.now();
  world.keepAsking([{}, { stream: false }], 60);
  world.keepAsking({ dialect: anthropic }, 60);
  world.keepAsking([{}, { dialect: anthropic, stream: false }], 150, world.second);
  world.keepAsking({ prompt: "[sandbox: overloaded for=first]" }, 3_000);
  world.keepAsking({ model: "gpt-alone" }, 300);
  await pause(QUIET_MS);
  // A target that fails for a quarter of the calls, one that throttles, one that is not there, a workspace over its limit, a slow model, a lost worker.
  world.keepAsking([{}, {}, { prompt: "[sandbox: overloaded for=first]" }], 100);
  world.keepAsking({ model: "gpt-alone", prompt: "[sandbox: throttle]" }, 400);
  world.keepAsking({ model: "gpt-down" }, 400);
  world.keepAsking({ workspace: "small" }, 250);
  for (let at = 0; at < 3; at++) world.keepAsking({ dialect: anthropic, prompt: "[sandbox: delay ms=1500]" }, 20);
  await pause(INCIDENT_MS / 2);
  await world.crashWorker();
  await pause(INCIDENT_MS / 2);
  const toMs = Date.now();
  mkdirSync(FOLDER, { recursive: true });
  for (const dashboard of dashboards()) {
    const curves = new Map<Panel, Curve[]>();
    for (const panel of dashboard.panels) curves.set(panel, await curvesOf(panel, dashboard, prometheus, { fromMs, toMs }));
    const file = join(FOLDER, `${dashboard.uid}.svg`);
    writeFileSync(file, drawing(dashboard, curves, NOTE));
    console.log(file);
  }
} finally {
  await prometheus.stop();
  await world.stop();
}
