/** Whether calls are traced: by OpenTelemetry's standard variables, and nothing else. */
import type { Environment } from "./environment.ts";
import { didYouMean, type Problem } from "./problems.ts";

/** Those that are checked here; the rest (`_HEADERS`, `_TIMEOUT`, `OTEL_BSP_…`) is read by OpenTelemetry's packages alone. */
export const TRACING_VARIABLES = [
  "OTEL_EXPORTER_OTLP_ENDPOINT",
  "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
  "OTEL_EXPORTER_OTLP_PROTOCOL",
  "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
  "OTEL_TRACES_EXPORTER",
  "OTEL_TRACES_SAMPLER",
  "OTEL_TRACES_SAMPLER_ARG",
] as const;

const SAMPLERS = ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];
const PROTOCOL = "http/protobuf";

/** On where a collector is named, or OTLP is asked for by its name. */
export function resolveTracing({ environment, problems }: { environment: Environment; problems: Problem[] }): boolean {
  const read = (name: (typeof TRACING_VARIABLES)[number] | "OTEL_SDK_DISABLED") => environment[name]?.trim() || undefined;
  const exporter = read("OTEL_TRACES_EXPORTER");
  const endpoints = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
  const isNamed = endpoints.some((name) => read(name) !== undefined);
  if (read("OTEL_SDK_DISABLED")?.toLowerCase() === "true" || exporter === "none" || (exporter ?? (isNamed || undefined)) === undefined)
    return false;
  const expect = (name: string, what: string, hint = "") =>
    problems.push({
      path: [name],
      text: `expected ${what} in this environment variable, got other text${hint}; OTEL_TRACES_EXPORTER=none turns tracing off`,
    });
  if (exporter !== undefined && exporter !== "otlp") expect("OTEL_TRACES_EXPORTER", "otlp or none");
  for (const name of endpoints) {
    const address = read(name);
    if (address !== undefined && !(URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)))
      expect(name, "an address such as http://collector:4318");
  }
  const protocols = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as const;
  const protocol = protocols.find((name) => read(name) !== undefined);
  if (protocol !== undefined && read(protocol) !== PROTOCOL) expect(protocol, `${PROTOCOL} (Weir speaks no other protocol to a collector)`);
  const sampler = read("OTEL_TRACES_SAMPLER");
  if (sampler !== undefined && !SAMPLERS.includes(sampler))
    expect("OTEL_TRACES_SAMPLER", `one of ${SAMPLERS.join(", ")}`, didYouMean(sampler, SAMPLERS));
  const share = read("OTEL_TRACES_SAMPLER_ARG");
  const isShare = share !== undefined && /^[0-9]*\.?[0-9]+$/.test(share) && Number(share) <= 1;
  if (sampler?.endsWith("traceidratio") === true && !isShare) expect("OTEL_TRACES_SAMPLER_ARG", "a share from 0 to 1");
  return true;
}
