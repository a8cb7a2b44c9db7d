/** Files of prom-client that are imported one by one: its index loads an HTTP client, clusters and OpenTelemetry as well, four megabytes that nothing here uses. */
declare module "prom-client/lib/cluster.js" {
  export { AggregatorRegistry as default } from "prom-client";
}
declare module "prom-client/lib/counter.js" {
  export { Counter as default } from "prom-client";
}
declare module "prom-client/lib/gauge.js" {
  export { Gauge as default } from "prom-client";
}
declare module "prom-client/lib/histogram.js" {
  export { Histogram as default } from "prom-client";
}
declare module "prom-client/lib/registry.js" {
  export { Registry as default } from "prom-client";
}
/** Adds the metrics of one subject to a registry. */
declare module "prom-client/lib/metrics/*" {
  import type { Registry } from "prom-client";

  const collect: (registry: Registry, configuration: { eventLoopMonitoringPrecision?: number }) => void;
  export default collect;
}
