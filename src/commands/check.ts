import { ConfigError, type ConfigSource, type LoadedConfig, readConfig } from "../config/config.ts";
import { hostOf, withoutSecrets } from "../config/shown.ts";
import { durationText } from "../config/units.ts";
import type { Config, Limits, Model, Target, Upstream, Workspace } from "../contract/config.ts";
import { providers } from "../providers/index.ts";
import { askUpstreams } from "./online.ts";
import type { Outcome } from "./outcome.ts";
import { table as plainTable } from "./table.ts";

/** `check`: what a configuration resolves to, secrets masked; or everything that is wrong with it. */
export function runCheck(source: ConfigSource): Outcome {
  return refusing(() => ({ text: report(readConfig(source)), exitCode: 0 }));
}

/** `check --online`: the same, and then what the upstreams say. */
export async function runOnlineCheck(source: ConfigSource): Promise<Outcome> {
  let config: Config | undefined;
  const read = refusing(() => {
    const loaded = readConfig(source);
    config = loaded.config;
    return { text: report(loaded), exitCode: 0 };
  });
  if (config === undefined) return read;
  if (config.sandbox) return { text: `${read.text}\nThe stand-ins are there only while Weir runs: there is nobody to ask.\n`, exitCode: 0 };
  const asked = await askUpstreams(config);
  return { text: `${read.text}\n${asked.text}`, exitCode: asked.exitCode };
}

function refusing(read: () => Outcome): Outcome {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return { text: `${error.message}\n`, exitCode: 1 };
    throw error;
  }
}

function report({ config, warnings, file }: LoadedConfig): string {
  const { server, admin } = config;
  const sections = [
    config.sandbox
      ? "No configuration: sandbox mode, with stand-ins for the upstreams and a demo key."
      : `${file ?? "The configuration"} is good.${warnings.length === 0 ? "" : ` ${warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`}:`}`,
    warnings.map((warning) => `  ${warning}`).join("\n"),
    table([
      [
        "public listener",
        `${server.host}:${server.port}`,
        `bodies to ${server.maxBodyBytes} bytes, ${server.maxBufferedBytes} at a time, ${server.maxCalls} calls, drains in ${durationText(server.drainTimeoutMs)}`,
      ],
      ["admin listener", `${admin.host}:${admin.port}`, admin.token === undefined ? "metrics and health alone: no token" : "with a token"],
      ...(config.processes === 1 ? [] : [["processes", String(config.processes), "on one public port"]]),
      ["workers", String(config.workers), config.processes === 1 ? "threads" : "threads in each process"],
      ["limits", redisText(config), limitsText(config.limits)],
      ...(config.redis === undefined ? [["keys", config.directory.file, ""]] : []),
      ...(config.proxy === undefined ? [] : [["proxy", proxyText(config.proxy), ""]]),
    ]),
    titled("Upstreams", upstreamRows(config.upstreams)),
    titled("Models", modelRows(config.models, config.upstreams)),
    ...Object.values(config.workspaces).map((workspace) => workspaceText(workspace, config)),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function upstreamRows(upstreams: Record<string, Upstream>): string[][] {
  return Object.entries(upstreams).map(([name, upstream]) => {
    const provider = providers.get(upstream.provider);
    return [name, upstream.region, upstream.provider, provider?.summary(upstream.settings) ?? ""];
  });
}

function modelRows(models: Record<string, Pick<Model, "targets" | "limits" | "aliasOf">>, upstreams: Record<string, Upstream>): string[][] {
  return Object.entries(models).flatMap(([name, model]) => {
    if (model.aliasOf !== undefined) return [[name, "", `as ${model.aliasOf}`, ""]];
    const limits = limitsText(model.limits);
    return model.targets.map((target, index) => [index === 0 ? name : "", ...targetCells(target, upstreams), index === 0 ? limits : ""]);
  });
}

function targetCells(target: Target, upstreams: Record<string, Upstream>): string[] {
  const weight = target.weight === 1 ? "" : ` × ${target.weight}`;
  return [upstreams[target.upstream]?.region ?? "", `${target.upstream} ${target.model}${weight}`];
}

function workspaceText(workspace: Workspace, config: Config): string {
  const upstreams = { ...config.upstreams, ...workspace.upstreams };
  const entries = Object.entries(workspace.models);
  const hasOwnList = entries.some(([, model]) => model.targets !== undefined);
  const models = entries.flatMap(([name, model]) => {
    if (model.targets !== undefined && model.aliasOf !== undefined) return [[name, "", `as ${model.aliasOf}`, ""]];
    const limits = limitsText(model.limits);
    const [first, ...others] = model.targets ?? [];
    if (first === undefined) return [[name, "", "the shared targets", limits]];
    return [[name, ...targetCells(first, upstreams), limits], ...others.map((target) => ["", ...targetCells(target, upstreams), ""])];
  });
  const keys = workspace.keys.map(
    (key) => `${key.name}${key.expiresAtMs === undefined ? "" : ` (until ${new Date(key.expiresAtMs).toISOString()})`}`,
  );
  return [
    `Workspace ${withoutSecrets(workspace.name)}`,
    table([
      ["default region", workspace.defaultRegion ?? "none: routes without a region are refused"],
      ["limits", limitsText(workspace.limits) || "the shared ones"],
      ...(workspace.maxConcurrent === undefined ? [] : [["calls", `${workspace.maxConcurrent} at a time`]]),
      ["keys", keys.join(", ") || "none in this file"],
      ...(hasOwnList ? [["models", "these alone"]] : []),
    ]),
    ...(Object.keys(workspace.upstreams).length === 0 ? [] : [table(upstreamRows(workspace.upstreams))]),
    ...(models.length === 0 ? [] : [table(models)]),
  ].join("\n");
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

function redisText({ redis }: Config): string {
  if (redis === undefined) return "in memory";
  const addresses = redis.url === undefined ? redis.cluster : [redis.url];
  const where = addresses?.map(hostOf).join(", ") ?? `sentinel ${redis.sentinel?.name}`;
  const prefix = redis.prefix === "weir" ? "" : `, keys begin with ${redis.prefix}:`;
  return `${where} (${redis.onFailure} on failure${prefix})`;
}

function proxyText(proxy: NonNullable<Config["proxy"]>): string {
  return [proxy.https, proxy.http]
    .filter((address) => address !== undefined)
    .map(hostOf)
    .join(", ");
}

/** What an operator may call as he likes (a model, a folder) may be a secret that he has put in the wrong place. */
function table(rows: string[][]): string {
  return plainTable(rows.map((row) => row.map(withoutSecrets)));
}

function titled(title: string, rows: string[][]): string {
  return rows.length === 0 ? "" : `${title}\n${table(rows)}`;
}
