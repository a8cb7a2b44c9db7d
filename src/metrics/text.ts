import type { Registry } from "prom-client";

/** How long a scrape keeps the thread at a stretch, unless a single metric takes longer. */
const LONGEST_TURN_MS = 1;

/** What `registry.metrics()` gives; the calls that are being served meanwhile get their turn between one metric and the next. */
export async function textOf(registry: Registry): Promise<string> {
  const texts: string[] = [];
  let sinceMs = performance.now();
  for (const { name } of registry.getMetricsAsArray()) {
    texts.push(await registry.getSingleMetricAsString(name));
    if (performance.now() - sinceMs < LONGEST_TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    sinceMs = performance.now();
  }
  return `${texts.join("\n\n")}\n`;
}
