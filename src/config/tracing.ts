/** Whether calls are traced, and where their spans go: the standard variables of OpenTelemetry say it, and no other setting does. */
import { resolve } from "node:path";
import type { TracingTarget } from "../contract/config.ts";
import type { ResolveContext } from "./context.ts";
import { whyUnreadable } from "./files.ts";
import { didYouMean } from "./problems.ts";
import { hostOf } from "./shown.ts";

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"] as const;
const PROTOCOLS = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] as const;
const PROTOCOL = "http/protobuf";
/** The exporter's own. */
const DEFAULT_ENDPOINT = "http://localhost:4318";
const SAMPLERS = ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];
const DEFAULT_SAMPLER = "parentbased_always_on";

interface Expected {
  /** Completes "expected …". */
  what: string;
  fits(text: string): boolean;
}

/** Larger ones are too long for a timer, which would then end at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const isWhole = (text: string, least: number, most: number) =>
  /^[0-9]{1,10}$/.test(text.trim()) && Number(text) >= least && Number(text) <= most;

const TIMEOUT: Expected = {
  what: "a whole number of milliseconds, at least 1, such as 10000",
  fits: (text) => isWhole(text, 1, LONGEST_TIMER_MS),
};
const DELAY: Expected = { what: "a whole number of milliseconds, such as 5000", fits: (text) => isWhole(text, 0, LONGEST_TIMER_MS) };
const COUNT: Expected = { what: "a whole number of at least 1", fits: (text) => isWhole(text, 1, LONGEST_TIMER_MS) };
const COMPRESSION: Expected = { what: "gzip or none", fits: (text) => /^(gzip|none)$/.test(text.trim()) };
const HEADERS: Expected = {
  what: "headers such as name=value,name=value, with %2C for a comma and %3B for a semicolon in a value",
  fits: (text) =>
    !text.includes(";") && pairsOf(text).every(([name, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[^\p{Cc}]+$/u.test(value)),
};
const ATTRIBUTES: Expected = {
  what: "attributes such as name=value,name=value, with %2C for a comma and %3D for = in a value, and at most 255 characters in each",
  fits: (text) => !/=[^,]*=/.test(text) && pairsOf(text).every(([name, value]) => name !== "" && name.length <= 255 && value.length <= 255),
};

/** Variables that OpenTelemetry's packages read themselves. The packages say nothing about a mistake there, and go on without the value. */
const CHECKED: Readonly<Record<string, Expected>> = {
  OTEL_EXPORTER_OTLP_TIMEOUT: TIMEOUT,
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: TIMEOUT,
  OTEL_EXPORTER_OTLP_COMPRESSION: COMPRESSION,
  OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: COMPRESSION,
  OTEL_EXPORTER_OTLP_HEADERS: HEADERS,
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: HEADERS,
  OTEL_RESOURCE_ATTRIBUTES: ATTRIBUTES,
  OTEL_BSP_SCHEDULE_DELAY: DELAY,
  OTEL_BSP_EXPORT_TIMEOUT: TIMEOUT,
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: COUNT,
};

/** Variables that name a PEM file. */
const FILES = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].flatMap((name) => [
  `OTEL_EXPORTER_OTLP_${name}`,
  `OTEL_EXPORTER_OTLP_TRACES_${name}`,
]);

/** Every variable that a mistake or a warning may name. */
export const TRACING_VARIABLES: readonly string[] = [
  ...ENDPOINTS,
  ...PROTOCOLS,
  "OTEL_TRACES_EXPORTER",
  "OTEL_TRACES_SAMPLER",
  "OTEL_TRACES_SAMPLER_ARG",
  "OTEL_BSP_MAX_QUEUE_SIZE",
  ...Object.keys(CHECKED),
  ...FILES,
];

/** Undefined where calls are not traced. They are where a collector is named, or where OTLP is asked for by its name. */
export function resolveTracing(context: ResolveContext): TracingTarget | undefined {
  const { environment, problems, warnings } = context;
  const read = (name: string) => (environment[name]?.trim() ? environment[name] : undefined);
  const exporter = read("OTEL_TRACES_EXPORTER")?.trim();
  const endpoint = ENDPOINTS.map(read).find((address) => address !== undefined);
  if (read("OTEL_SDK_DISABLED")?.trim().toLowerCase() === "true" || exporter === "none") return undefined;
  if (exporter === undefined && endpoint === undefined) return undefined;

  const expect = (name: string, what: string, hint = "") => {
    const text = `expected ${what} in this environment variable, got other text${hint}; OTEL_TRACES_EXPORTER=none turns tracing off`;
    problems.push({ path: [name], text });
  };
  if (exporter !== undefined && exporter !== "otlp") expect("OTEL_TRACES_EXPORTER", "otlp or none");
  for (const name of ENDPOINTS) {
    const address = read(name);
    if (address !== undefined && !(URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)))
      expect(name, "an address such as http://collector:4318");
  }
  const protocol = PROTOCOLS.find((name) => read(name) !== undefined);
  if (protocol !== undefined && read(protocol)?.trim() !== PROTOCOL)
    expect(protocol, `${PROTOCOL} (Weir speaks no other protocol to a collector)`);
  const sampler = read("OTEL_TRACES_SAMPLER") ?? DEFAULT_SAMPLER;
  if (!SAMPLERS.includes(sampler)) expect("OTEL_TRACES_SAMPLER", `one of ${SAMPLERS.join(", ")}`, didYouMean(sampler, SAMPLERS));
  const share = read("OTEL_TRACES_SAMPLER_ARG")?.trim() ?? "";
  const isByShare = sampler.endsWith("traceidratio");
  if (isByShare && !(/^[0-9]*\.?[0-9]+$/.test(share) && Number(share) <= 1)) expect("OTEL_TRACES_SAMPLER_ARG", "a share from 0 to 1");
  for (const [name, { what, fits }] of Object.entries(CHECKED)) {
    const text = read(name);
    if (text !== undefined && !fits(text)) expect(name, what);
  }
  for (const name of FILES) warnUnreadable(name, read(name), context);
  if (read("OTEL_BSP_MAX_QUEUE_SIZE") !== undefined)
    warnings.push({ path: ["OTEL_BSP_MAX_QUEUE_SIZE"], text: "this environment variable is ignored: Weir holds at most 4,096 spans" });
  return { collector: hostOf(endpoint ?? DEFAULT_ENDPOINT), sampler: isByShare ? `${sampler} ${share}` : sampler };
}

/** Only a warning: a file that is taken away while Weir runs must not stop every later change of the configuration. */
function warnUnreadable(name: string, file: string | undefined, { readText, warnings }: ResolveContext): void {
  if (file === undefined) return;
  try {
    // The exporter looks for it from the folder that Weir was started in, and not from the folder of the configuration.
    readText(resolve(file));
  } catch (thrown) {
    const text = `expected a readable file in this environment variable, got one which ${whyUnreadable(thrown)}; spans are sent without it`;
    warnings.push({ path: [name], text });
  }
}

/** The names and values of a list such as `name=value,name=value`, decoded. A pair that cannot be read has an empty name and value. */
function pairsOf(list: string): [name: string, value: string][] {
  return list
    .split(",")
    .filter((pair) => pair.trim() !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      if (at < 0) return ["", ""];
      try {
        return [decodeURIComponent(pair.slice(0, at).trim()), decodeURIComponent(pair.slice(at + 1).trim())];
      } catch {
        return ["", ""];
      }
    });
}
