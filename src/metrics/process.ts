import { readdir } from "node:fs/promises";
import { collectDefaultMetrics, Gauge, type Registry } from "prom-client";

/** Of prom-client's own, what would stop the thread at every scrape, or is no good metric. */
const LEFT_OUT = [
  // Gauges by name of counters; each is the sum of the one without `_total`.
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
  // Bun walks the whole heap to tell the sizes of its spaces: 10 to 20 ms of a gateway that has done little yet.
  "nodejs_heap_space_size_total_bytes",
  "nodejs_heap_space_size_used_bytes",
  "nodejs_heap_space_size_available_bytes",
  // Listed without letting go of the thread: ten thousand streams are twenty thousand descriptors.
  "process_open_fds",
];

/** The usual `process_*` and `nodejs_*` metrics, but for those that are left out. */
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
      // The one that reads the list is in it.
      const descriptors = await readdir("/proc/self/fd").catch(() => undefined);
      if (descriptors !== undefined) this.set(descriptors.length - 1);
    },
  });
}
