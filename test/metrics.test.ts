import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Counter, Registry } from "prom-client";
import { MergedMetrics } from "../src/metrics/merged.ts";
import { metricsData, metricsText } from "../src/metrics/scrape.ts";
import { Metrics } from "../src/metrics.ts";

test("docs/metrics.md lists every metric with its type and labels, and nothing else", () => {
  const page = readFileSync(join(import.meta.dir, "../docs/metrics.md"), "utf8");
  const documented = [...page.matchAll(/^\| `(weir_\w+)` \| (\w+) \| ([\w, ]*?) ?\|/gm)].map(
    ([, name, type, labels]) => `${name} ${type} ${labels}`,
  );
  const definitions = [...new Metrics().definitions(), ...new MergedMetrics().definitions()];
  const defined = definitions.map(({ name, type, labels }) => `${name} ${type} ${labels.join(", ")}`);
  expect(documented.sort()).toEqual(defined.sort());
});

test("a scrape lets go of the thread again and again, and says what the library would", async () => {
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

test("a scrape tells of the process, and not of what it would have to stop for", async () => {
  const text = await new Metrics().render();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(names).toContain("process_resident_memory_bytes");
  expect(names.filter((name) => name === "process_open_fds")).toHaveLength(1);
  expect(names.filter((name) => name?.startsWith("nodejs_heap_space"))).toEqual([]);
  expect(Number(/^process_open_fds (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(2);
});
