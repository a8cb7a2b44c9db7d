import type { Registry } from "prom-client";

/** Longest time that a scrape keeps the thread without a pause, unless one metric alone takes longer. */
const LONGEST_TURN_MS = 1;

/** As `registry.metrics()`, with pauses between the metrics, in which calls are served. */
export async function metricsText(registry: Registry, longestTurnMs?: number): Promise<string> {
  return `${(await oneByOne(registry, (name) => registry.getSingleMetricAsString(name), longestTurnMs)).join("\n\n")}\n`;
}

/** As `registry.getMetricsAsJSON()`, with the same pauses. */
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
