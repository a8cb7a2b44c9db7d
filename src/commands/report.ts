/** What a configuration resolves to, as `check` prints it: all that an operator sets, in groups, without secrets. */
import type { LoadedConfig } from "../config/config.ts";
import { hostOf, withoutSecrets } from "../config/shown.ts";
import { durationText, sizeText } from "../config/units.ts";
import type { Config, Limits, Model, Target, Upstream, Workspace } from "../contract/config.ts";
import { momentText } from "../contract/moment.ts";
import { providers } from "../providers/index.ts";
import { DEMO_KEYS_FILE, SECRETS_FILE } from "../sandbox/demo-secrets.ts";
import { table as plainTable } from "./terminal.ts";

type Written = LoadedConfig["written"];

export function report({ config, warnings, file, written }: LoadedConfig): string {
  const sections = [
    config.sandbox
      ? "No configuration: sandbox mode, with stand-ins for the upstreams and a demo key."
      : `${file ?? "The configuration"} is good.${warnings.length === 0 ? "" : ` ${warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`}:`}`,
    warnings.map((warning) => `  ${warning}`).join("\n"),
    titled("Public listener", publicRows(config)),
    titled("Admin listener", adminRows(config)),
    titled("Gateway", gatewayRows(config)),
    config.sandbox ? "" : titled("Every call", callRows(config, written)),
    titled("Upstreams", upstreamRows(config.upstreams, written.upstreams)),
    titled("Models", modelRows(config.models, config.upstreams, written.models)),
    ...Object.values(config.workspaces).map((workspace) => workspaceText(workspace, config, written)),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function publicRows({ server, identity }: Config): string[][] {
  const { host, port, clocks, trustedProxies, cors, serverTiming } = server;
  const bounds = [
    `bodies up to ${sizeText(server.maxBodyBytes)}, ${sizeText(server.maxBufferedBytes)} of them at a time`,
    `${server.maxCalls} calls`,
    `${server.maxConnections} connections`,
  ];
  const origins = cors?.origins === "*" ? "any origin" : cors?.origins.join(", ");
  return [
    ["address", `${host}:${port}`],
    ["TLS", identity === undefined ? "none: plain HTTP" : `with a certificate until ${momentText(identity.expiresAtMs)}`],
    ["bounds", bounds.join(", ")],
    ["clocks", namedDurations({ head: clocks.headMs, body: clocks.sendingMs, reader: clocks.readingMs, idle: clocks.idleMs })],
    ["drain", `new calls are served for ${durationText(server.drainGraceMs)}, open ones end within ${durationText(server.drainTimeoutMs)}`],
    ["trusted proxies", trustedProxies.join(", ") || "none"],
    ["web pages", cors === undefined ? "of no other origin (cors)" : `of ${origins}; asked again after ${durationText(cors.maxAgeMs)}`],
    ["server timing", serverTiming === "always" ? "in all answers" : "in answers to requests that ask for it"],
  ];
}

function adminRows({ sandbox, admin }: Config): string[][] {
  const token = admin.token === undefined ? "none: only metrics and health answer" : "set";
  return [
    ["address", `${admin.host}:${admin.port}`],
    ["token", sandbox ? `in ${SECRETS_FILE}, which the first start makes` : token],
    ...(admin.hosts.length === 0 ? [] : [["host names", admin.hosts.join(", ")]]),
  ];
}

function gatewayRows(config: Config): string[][] {
  const { processes, workers, redis, proxy, log, tracing } = config;
  const good = log.sample === 1 ? "all calls" : `${log.sample === 0 ? "none" : log.sample} of the good calls, all others`;
  return [
    ...(processes === 1 ? [] : [["processes", `${processes} on one public port`]]),
    ["workers", `${workers} ${workers === 1 ? "thread" : "threads"}${processes === 1 ? "" : " in each process"}`],
    ["limits", redis === undefined ? "in memory" : redisText(redis)],
    ...(redis === undefined ? [["keys", config.sandbox ? DEMO_KEYS_FILE : config.directory.file]] : []),
    ...(proxy === undefined ? [] : [["proxy", proxyText(proxy)]]),
    [
      "log",
      `${good}; slow is more than ${durationText(log.slowMs)}; ${log.attribution ? "with" : "without"} what clients say of themselves`,
    ],
    ["traces", tracing === undefined ? "off" : `to ${tracing.collector}, sampler ${tracing.sampler}`],
  ];
}

function callRows({ limits, strictParameters }: Config, { timeouts }: Written): string[][] {
  return [
    ["limits", limitsText(limits)],
    ["timeouts", settingsText(timeouts)],
    ["strict parameters", strictParameters ? "yes" : "no"],
  ];
}

/** The settings of an upstream that every provider has, as far as its first row does not show them. */
const UPSTREAM_DETAILS = ["max_calls", "timeouts", "accepts", "controls", "ca_file"];

function upstreamRows(upstreams: Record<string, Upstream>, written: Readonly<Record<string, object>> = {}): string[][] {
  return Object.entries(upstreams).flatMap(([name, upstream]) => {
    const provider = providers.get(upstream.provider);
    // Lists and switches that differ from their defaults. What is a text is in the summary, or it may be a secret.
    const own = Object.entries(provider?.schema.properties ?? {}).filter(
      ([key, { type, default: fallback }]) => (type === "array" || type === "boolean") && fallback !== settingAt(written[name], key),
    );
    const details = detailsOf(written[name], [...UPSTREAM_DETAILS, ...own.map(([key]) => key)]);
    return [
      [name, upstream.region, upstream.provider, provider?.summary(upstream.settings) ?? ""],
      ...details.map((text) => ["", "", "", text]),
    ];
  });
}

const MODEL_DETAILS = ["timeouts", "accepts", "controls", "family"];

function modelRows(
  models: Record<string, Pick<Model, "targets" | "limits" | "aliasOf" | "estimate" | "affinity">>,
  upstreams: Record<string, Upstream>,
  written: Written["models"] = {},
): string[][] {
  return Object.entries(models).flatMap(([name, model]) => {
    if (model.aliasOf !== undefined) return [[name, "", `as ${model.aliasOf}`, ""]];
    const limits = limitsText(model.limits);
    const details = [
      ...(model.estimate === "exact" ? ["estimate: exact"] : []),
      ...(model.affinity ? [] : ["affinity: off"]),
      ...detailsOf(written[name], MODEL_DETAILS),
      ...targetDetails(written[name]?.targets),
    ];
    return [
      ...targetRows(model.targets, upstreams).map((cells, index) => [index === 0 ? name : "", ...cells, index === 0 ? limits : ""]),
      ...details.map((text) => ["", "", text, ""]),
    ];
  });
}

/** Region, upstream and model of each target. Where a region has several targets: also their order, and how targets of one rank share the calls. */
function targetRows(targets: readonly Target[], upstreams: Record<string, Upstream>): string[][] {
  const regionOf = ({ upstream }: Target) => upstreams[upstream]?.region ?? "";
  return targets.map((target) => {
    const region = regionOf(target);
    const rivals = targets.filter((other) => regionOf(other) === region);
    return [region, `${target.upstream} ${target.model}${choiceText(target, rivals)}`];
  });
}

function choiceText(target: Target, rivals: readonly Target[]): string {
  if (rivals.length === 1) return "";
  const ranks = [...new Set(rivals.map(({ rank }) => rank))].sort((one, other) => one - other);
  const sharers = rivals.filter(({ rank }) => rank === target.rank);
  const sum = sharers.reduce((total, { weight }) => total + weight, 0);
  const parts = [
    ...(ranks.length === 1 ? [] : [`choice ${ranks.indexOf(target.rank) + 1}`]),
    ...(sharers.length === 1 ? [] : [`${target.weight} of ${sum} calls`]),
  ];
  return ` (${parts.join(", ")})`;
}

function targetDetails(targets: readonly { upstream: string; model: string }[] = []): string[] {
  return targets.flatMap((target) =>
    detailsOf(target, ["count_model", "controls"]).map((text) => `${target.upstream} ${target.model}: ${text}`),
  );
}

const WORKSPACE_MODEL_DETAILS = ["estimate", "affinity", ...MODEL_DETAILS];

function workspaceText(workspace: Workspace, config: Config, { workspaces }: Written): string {
  const written = workspaces[workspace.name];
  const upstreams = { ...config.upstreams, ...workspace.upstreams };
  const entries = Object.entries(workspace.models);
  const hasOwnList = entries.some(([, model]) => model.targets !== undefined);
  const models = entries.flatMap(([name, model]) => {
    if (model.targets !== undefined && model.aliasOf !== undefined) return [[name, "", `as ${model.aliasOf}`, ""]];
    const limits = limitsText(model.limits);
    const own = written?.models?.[name];
    const details = [...detailsOf(own, WORKSPACE_MODEL_DETAILS), ...targetDetails(own?.targets)].map((text) => ["", "", text, ""]);
    const [first, ...others] = targetRows(model.targets ?? [], upstreams);
    if (first === undefined) return [[name, "", "the shared targets", limits], ...details];
    return [[name, ...first, limits], ...others.map((cells) => ["", ...cells, ""]), ...details];
  });
  return [
    titled(`Workspace ${withoutSecrets(workspace.name)}`, [
      ["default region", workspace.defaultRegion ?? "none: routes without a region are refused"],
      ["limits", limitsText(workspace.limits) || "the shared ones"],
      ...(workspace.maxConcurrent === undefined ? [] : [["calls", `${workspace.maxConcurrent} at a time`]]),
      ...(workspace.controls === undefined ? [] : [["controls", settingsText(workspace.controls)]]),
      ...(workspace.mayControl === true ? [["client controls", "clients may set controls by headers"]] : []),
      ["keys", workspace.keys.map(keyText).join(", ") || "none in this file"],
      ...(hasOwnList ? [["models", "only these"]] : []),
    ]),
    ...(Object.keys(workspace.upstreams).length === 0 ? [] : [table(upstreamRows(workspace.upstreams, written?.upstreams))]),
    ...(models.length === 0 ? [] : [table(models)]),
  ].join("\n");
}

function keyText({ name, expiresAtMs, maxConcurrent }: Workspace["keys"][number]): string {
  const parts = [
    ...(expiresAtMs === undefined ? [] : [`until ${momentText(expiresAtMs)}`]),
    ...(maxConcurrent === undefined ? [] : [`${maxConcurrent} calls at a time`]),
  ];
  return parts.length === 0 ? name : `${name} (${parts.join(", ")})`;
}

function limitsText({ rpm, tpm, countRpm, cacheReadWeight, reserveOutput }: Limits): string {
  const parts = [
    rpm === undefined ? "" : `${rpm} requests/min`,
    tpm === undefined ? "" : `${tpm} tokens/min`,
    countRpm === undefined ? "" : `${countRpm} token counts/min`,
    cacheReadWeight === undefined ? "" : `cache reads × ${cacheReadWeight}`,
    reserveOutput === undefined ? "" : `reserves ${reserveOutput} output`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}

function redisText(redis: NonNullable<Config["redis"]>): string {
  const addresses = redis.url === undefined ? redis.cluster : [redis.url];
  const where = addresses?.map(hostOf).join(", ") ?? `sentinel ${redis.sentinel?.name} at ${redis.sentinel?.nodes.join(", ")}`;
  const parts = [
    `${redis.onFailure} on failure`,
    `waits ${durationText(redis.timeoutMs)}`,
    ...(redis.tls ? ["TLS"] : []),
    ...(redis.username === undefined ? [] : [`user ${redis.username}`]),
    ...(redis.password === undefined ? [] : ["with a password"]),
    ...(redis.prefix === "weir" ? [] : [`keys begin with ${redis.prefix}:`]),
  ];
  return `${where} (${parts.join(", ")})`;
}

function proxyText({ https, http, no }: NonNullable<Config["proxy"]>): string {
  const addresses = [https, http].filter((address) => address !== undefined).map(hostOf);
  return `${[...new Set(addresses)].join(", ")}${no === undefined ? "" : `, not for ${no}`}`;
}

function namedDurations(durations: Readonly<Record<string, number>>): string {
  return settingsText(Object.fromEntries(Object.entries(durations).map(([name, ms]) => [name, durationText(ms)])));
}

/** One text for each of `keys` that is set, by its name in `weir.yaml`. */
function detailsOf(settings: object | undefined, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const value = settingAt(settings, key);
    return value === undefined ? [] : [`${key}: ${settingsText(value)}`];
  });
}

function settingAt(settings: object | undefined, key: string): unknown {
  return (settings as Readonly<Record<string, unknown>> | undefined)?.[key];
}

/** `connect 2s, first_byte 5m`; maps inside of maps are in brackets. */
function settingsText(value: unknown): string {
  if (Array.isArray(value)) return value.map(settingsText).join(" ");
  if (typeof value !== "object" || value === null) return String(value);
  const nested = (inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner) ? `(${settingsText(inner)})` : settingsText(inner);
  return Object.entries(value)
    .map(([name, inner]) => `${name} ${nested(inner)}`)
    .join(", ");
}

/** A name that operators choose (of a model, of a folder) may be a secret that was written in the wrong place. */
function table(rows: string[][]): string {
  return plainTable(rows.map((row) => row.map(withoutSecrets)));
}

function titled(title: string, rows: string[][]): string {
  return rows.length === 0 ? "" : `${title}\n${table(rows)}`;
}
