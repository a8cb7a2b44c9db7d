import { ConfigError, type ConfigSource, type LoadedConfig, readConfig } from "../config/config.ts";
import { hostOf, withoutSecrets } from "../config/shown.ts";
import { durationText, sizeText } from "../config/units.ts";
import type { Config, Limits, Model, Target, Upstream, Workspace } from "../contract/config.ts";
import { momentText } from "../contract/moment.ts";
import { providers } from "../providers/index.ts";
import { DEMO_KEYS_FILE, SECRETS_FILE } from "../sandbox/demo-secrets.ts";
import type { Outcome } from "./command.ts";
import { askStore } from "./contact.ts";
import { askUpstreams } from "./online.ts";
import { table as plainTable } from "./terminal.ts";

/** `check`: what a configuration resolves to, secrets masked; or everything that is wrong with it. */
export function runCheck(source: ConfigSource): Outcome {
  return refusing(() => ({ text: report(readConfig(source)), exitCode: 0 }));
}

/** `check --online`: the same, and then what Redis and the upstreams say. */
export async function runOnlineCheck(source: ConfigSource): Promise<Outcome> {
  let config: Config | undefined;
  const read = refusing(() => {
    const loaded = readConfig(source);
    config = loaded.config;
    return { text: report(loaded), exitCode: 0 };
  });
  if (config === undefined) return read;
  if (config.sandbox)
    return { text: `${read.text}\nThe stand-ins are there only while Weir runs: there is no upstream to ask.\n`, exitCode: 0 };
  const asked = [...(config.redis === undefined ? [] : [askStore(config)]), askUpstreams(config)];
  const outcomes = await Promise.all(asked);
  const exitCode = outcomes.every((outcome) => outcome.exitCode === 0) ? 0 : 1;
  return { text: [read, ...outcomes].map(({ text }) => text).join("\n"), exitCode };
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
        `bodies up to ${sizeText(server.maxBodyBytes)}, ${sizeText(server.maxBufferedBytes)} of them at a time, ${server.maxCalls} calls, drains in ${durationText(server.drainTimeoutMs)}`,
      ],
      ["admin listener", `${admin.host}:${admin.port}`, tokenText(config)],
      ...(config.processes === 1 ? [] : [["processes", String(config.processes), "on one public port"]]),
      ["workers", String(config.workers), config.processes === 1 ? "threads" : "threads in each process"],
      ["limits", redisText(config), config.sandbox ? "" : limitsText(config.limits)],
      ...(config.redis === undefined ? [["keys", config.sandbox ? DEMO_KEYS_FILE : config.directory.file, ""]] : []),
      ...(config.proxy === undefined ? [] : [["proxy", proxyText(config.proxy), ""]]),
    ]),
    titled("Upstreams", upstreamRows(config.upstreams)),
    titled("Models", modelRows(config.models, config.upstreams)),
    ...Object.values(config.workspaces).map((workspace) => workspaceText(workspace, config)),
  ];
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`;
}

function tokenText({ sandbox, admin }: Config): string {
  if (sandbox) return `with the token in ${SECRETS_FILE}, which the first start makes`;
  return admin.token === undefined ? "metrics and health alone: no token" : "with a token";
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
    return targetRows(model.targets, upstreams).map((cells, index) => [index === 0 ? name : "", ...cells, index === 0 ? limits : ""]);
  });
}

/** Region and place of each target; where a region has several of them, also which is tried first, and how those of one rank share the calls. */
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

function workspaceText(workspace: Workspace, config: Config): string {
  const upstreams = { ...config.upstreams, ...workspace.upstreams };
  const entries = Object.entries(workspace.models);
  const hasOwnList = entries.some(([, model]) => model.targets !== undefined);
  const models = entries.flatMap(([name, model]) => {
    if (model.targets !== undefined && model.aliasOf !== undefined) return [[name, "", `as ${model.aliasOf}`, ""]];
    const limits = limitsText(model.limits);
    const [first, ...others] = targetRows(model.targets ?? [], upstreams);
    if (first === undefined) return [[name, "", "the shared targets", limits]];
    return [[name, ...first, limits], ...others.map((cells) => ["", ...cells, ""])];
  });
  const keys = workspace.keys.map((key) => `${key.name}${key.expiresAtMs === undefined ? "" : ` (until ${momentText(key.expiresAtMs)})`}`);
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
