import type { Registry } from "prom-client";

/** How long a scrape keeps the thread at a stretch, unless a single metric takes longer. */
const LONGEST_TURN_MS = 1;

/** What `registry.metrics()` gives; the calls that are being served meanwhile get their turn between one metric and the next. */
export async function metricsText(registry: Registry, longestTurnMs?: number): Promise<string> {
  return `${(await oneByOne(registry, (name) => registry.getSingleMetricAsString(name), longestTurnMs)).join("\n\n")}\n`;
}

/** What `registry.getMetricsAsJSON()` gives, in the same way. */
export async function metricsData(registry: Registry, longestTurnMs?: number): Promise<object[]> {
  return await oneByOne(registry, async (name) => (await registry.getSingleMetric(name)?.get()) ?? {}, longestTurnMs);
}

async function oneByOne<Form>(
  registry: Registry,
  form: (name: string) => Promise<Form>,
  longestTurnMs: number = LONGEST_TURN_MS,
): Promise<Form[]> {
  const all: Form[] = [];
  let sinceMs = performance.now();
  for (const { name } of registry.getMetricsAsArray()) {
    all.push(await form(name));
    if (performance.now() - sinceMs < longestTurnMs) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sinceMs = performance.now();
  }
  return all;
}
