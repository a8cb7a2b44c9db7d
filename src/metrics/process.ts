import { readdir } from "node:fs/promises";
import process from "node:process";
import type { Registry } from "prom-client";
import Counter from "prom-client/lib/counter.js";
import Gauge from "prom-client/lib/gauge.js";
import eventLoopLag from "prom-client/lib/metrics/eventLoopLag.js";
import gc from "prom-client/lib/metrics/gc.js";
import heapSizeAndUsed from "prom-client/lib/metrics/heapSizeAndUsed.js";
import osMemoryHeap from "prom-client/lib/metrics/osMemoryHeap.js";
import processHandles from "prom-client/lib/metrics/processHandles.js";
import processMaxFileDescriptors from "prom-client/lib/metrics/processMaxFileDescriptors.js";
import processRequests from "prom-client/lib/metrics/processRequests.js";
import processResources from "prom-client/lib/metrics/processResources.js";
import processStartTime from "prom-client/lib/metrics/processStartTime.js";
import version from "prom-client/lib/metrics/version.js";

/**
 * The usual metrics of a process, as prom-client's `collectDefaultMetrics` has them. Left out are the sizes of the heap's spaces: Bun walks through the
 * whole heap to find them: 10 to 20 ms in a gateway that has done little so far. The times of the processor and the open descriptors are below.
 */
const COLLECTED = [
  processStartTime,
  osMemoryHeap,
  processMaxFileDescriptors,
  eventLoopLag,
  processResources,
  processHandles,
  processRequests,
  heapSizeAndUsed,
  version,
  gc,
];

/** Gauges with names of counters. Each is the sum of the gauge without `_total`. */
const BADLY_NAMED = ["nodejs_active_handles_total", "nodejs_active_requests_total", "nodejs_active_resources_total"];

/** How often the delays of the event loop are measured, in milliseconds. */
const LAG_PRECISION_MS = 10;

/** Registers the usual `process_*` and `nodejs_*` metrics, without those that are left out. */
export function collectProcessMetrics(registry: Registry): void {
  collectProcessorTimes(registry);
  for (const collect of COLLECTED) collect(registry, { eventLoopMonitoringPrecision: LAG_PRECISION_MS });
  for (const name of BADLY_NAMED) registry.removeSingleMetric(name);
  if (process.platform === "linux") collectDescriptors(registry);
}

/** As prom-client has them, whose own file loads OpenTelemetry for examples that are not shown here. */
function collectProcessorTimes(registry: Registry): void {
  let before = process.cpuUsage();
  const registers = [registry];
  new Counter({
    name: "process_cpu_user_seconds_total",
    help: "Total user CPU time spent in seconds.",
    registers,
    collect() {
      const now = process.cpuUsage();
      const user = (now.user - before.user) / 1e6;
      const inSystem = (now.system - before.system) / 1e6;
      before = now;
      this.inc(user);
      system.inc(inSystem);
      both.inc(user + inSystem);
    },
  });
  const system = new Counter({ name: "process_cpu_system_seconds_total", help: "Total system CPU time spent in seconds.", registers });
  const both = new Counter({ name: "process_cpu_seconds_total", help: "Total user and system CPU time spent in seconds.", registers });
}

/** Lists the descriptors without a pause, unlike prom-client: ten thousand streams have twenty thousand descriptors. */
function collectDescriptors(registry: Registry): void {
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
