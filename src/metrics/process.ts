import { readdir } from "node:fs/promises";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** Metrics of prom-client that are left out: they would stop the thread at every scrape, or are badly named. */
const LEFT_OUT = [
  // Gauges with names of counters; each is the sum of the one without `_total`.
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
  // Bun walks the whole heap to find the sizes of its spaces: 10 to 20 ms in a gateway that has done little yet.
  "nodejs_heap_space_size_total_bytes",
  "nodejs_heap_space_size_used_bytes",
  "nodejs_heap_space_size_available_bytes",
  // Lists the descriptors without a pause: ten thousand streams have twenty thousand descriptors.
  "process_open_fds",
];

/** The usual `process_*` and `nodejs_*` metrics, without those that are left out. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  const tellsDescriptors = registry.getSingleMetric("process_open_fds") !== undefined;
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  if (!tellsDescriptors) return;
  new Gauge({
    name: "process_open_fds",
    help: "Number of open file descriptors.",
    registers: [registry],
    async collect() {
      // The list includes the descriptor that reads it.
      const descriptors = await readdir("/proc/self/fd").catch(() => undefined);
      if (descriptors !== undefined) this.set(descriptors.length - 1);
    },
  });
}
