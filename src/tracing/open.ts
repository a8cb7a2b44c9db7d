/** The packages of OpenTelemetry are loaded only where calls are traced: they are megabytes, and a tenth of a second. */
import type { Tracing, TracingOptions } from "./tracing.ts";

/** @param isOn - Where it is false, nothing is loaded. */
export async function openTracing(isOn: boolean, options: TracingOptions): Promise<Tracing | undefined> {
  if (!isOn) return undefined;
  const { OtlpTracing } = await import("./otlp.ts");
  return new OtlpTracing(options);
}
