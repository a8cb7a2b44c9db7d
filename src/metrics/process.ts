import { readdir } from "node:fs/promises";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** Metrics of prom-client that are left out, because they would stop the thread at every scrape, or have a wrong name. */
const LEFT_OUT = [
  // Gauges with names of counters. Each is the sum of the gauge without `_total`.
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
  // Bun walks through the whole heap to find the sizes of its spaces: 10 to 20 ms in a gateway that has done little so far.
  "nodejs_heap_space_size_total_bytes",
  "nodejs_heap_space_size_used_bytes",
  "nodejs_heap_space_size_available_bytes",
  // It lists the descriptors without a pause: ten thousand streams have twenty thousand descriptors. Another gauge of this name is made below.
  "process_open_fds",
];

/** Registers the usual `process_*` and `nodejs_*` metrics, without those in `LEFT_OUT`. */
export function collectProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  const hasDescriptors = registry.getSingleMetric("process_open_fds") !== undefined;
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  if (!hasDescriptors) return;
  new Gauge({
    name: "process_open_fds",
    help: "Number of open file descriptors.",
    registers: [registry],
    async collect() {
      // The list includes the descriptor by which it is read.
      const descriptors = await readdir("/proc/self/fd").catch(() => undefined);
      if (descriptors !== undefined) this.set(descriptors.length - 1);
    },
  });
}
