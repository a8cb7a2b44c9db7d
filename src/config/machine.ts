/** Settings about the machine and its network: ports, threads, memory, Redis, proxy. They come from the file and from the environment. */
import type { Config, ProxySettings, Redis } from "../contract/config.ts";
import type { Environment } from "./environment.ts";
import { didYouMean, isWithin, type Problem } from "./problems.ts";
import type { File } from "./schema/file.ts";
import { bytes, durationText, milliseconds } from "./units.ts";

interface Surroundings {
  environment: Environment;
  problems: Problem[];
  warnings: Problem[];
}

/** Every variable that a mistake may name. */
export const MACHINE_VARIABLES: readonly string[] = [
  "PORT",
  "ADMIN_PORT",
  "REDIS_URL",
  ...["HTTPS_PROXY", "HTTP_PROXY"].flatMap((name) => [name, name.toLowerCase()]),
  "WEIR_LOG_LEVEL",
];

const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/** Checks the level of the log, which only the environment sets. */
export function checkLogLevel({ environment, problems }: Surroundings): void {
  const level = environment.WEIR_LOG_LEVEL;
  if (level === undefined || level === "" || LOG_LEVELS.includes(level)) return;
  const text = `expected one of ${LOG_LEVELS.join(", ")} in this environment variable, got other text${didYouMean(level, LOG_LEVELS)}`;
  problems.push({ path: ["WEIR_LOG_LEVEL"], text });
}

const LONGEST_REDIS_WAIT_MS = 10_000;

/** The ports, where variables go before the file, and checks of what listening on them needs. */
export function withPorts(file: File, { environment, problems, warnings }: Surroundings): { server: number; admin: number } {
  const port = (variable: string, fallback: number): number => {
    const text = environment[variable];
    if (text === undefined || text === "") return fallback;
    if (/^[0-9]{1,5}$/.test(text) && Number(text) <= 65535) return Number(text);
    problems.push({ path: [variable], text: "expected a port from 0 to 65535 in this environment variable, got something else" });
    return fallback;
  };
  const ports = { server: port("PORT", file.server.port), admin: port("ADMIN_PORT", file.admin.port) };
  const isSameHost = file.server.host === file.admin.host || isWildcard(file.server.host) || isWildcard(file.admin.host);
  if (ports.server !== 0 && ports.server === ports.admin && isSameHost) {
    // The place that decided: a variable goes before the file.
    const path = environment.ADMIN_PORT ? ["ADMIN_PORT"] : environment.PORT ? ["PORT"] : ["admin", "port"];
    problems.push({
      path,
      text: `expected one port for the public listener and another one for the admin listener, got ${ports.admin} for both`,
    });
  }
  checkToken(file.admin, problems, warnings);
  return ports;
}

function checkToken(admin: File["admin"], problems: Problem[], warnings: Problem[]): void {
  const path = ["admin", "token"];
  if (problems.some((problem) => isWithin(problem.path, ["admin"]))) return;
  if (admin.token === undefined || admin.token === "") {
    if (isLoopback(admin.host)) return;
    problems.push({
      path,
      text: `expected a token because admin.host is an address that other machines can reach, got nothing; set it, or bind 127.0.0.1`,
    });
  } else if (!/^[\x21-\x7e]+$/.test(admin.token)) {
    problems.push({ path, text: "expected printable ASCII without blanks, since it travels in a header, got other text" });
  } else if (admin.token.length < 16) {
    warnings.push({ path, text: "is short; 32 random characters cannot be guessed (openssl rand -hex 16)" });
  }
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::" || host === "[::]";
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.[0-9]{1,3}){3}$/.test(host);
}

/** How many processes and workers there are. A process uses one processor for its front and one for each worker. */
export function resolveThreads(file: File, processors: number): { processes: number; workers: number } {
  const ofOne = file.workers === "auto" ? 2 : file.workers + 1;
  const processes = file.processes === "auto" ? Math.max(1, Math.floor(processors / ofOne)) : file.processes;
  return { processes, workers: file.workers === "auto" ? Math.max(1, Math.floor(processors / processes) - 1) : file.workers };
}

/** While a body is checked, edited and sent, memory holds several copies of it. A copy is freed only some time after its last use. */
const LARGEST_AUTO_BUFFER = 256 * 1024 ** 2;
const MEMORY_SHARE = 1 / 8;
/** One workspace may use half of the buffer, and the largest body must fit into that half. */
const LEAST_BODIES = 2;

/** Most bytes of one body, and of all bodies in a process. */
export function resolveBodies(
  { server }: File,
  processes: number,
  { memory, problems }: Surroundings & { memory: number },
): { maxBodyBytes: number; maxBufferedBytes: number } {
  const maxBodyBytes = bytes(server.max_body);
  const least = LEAST_BODIES * maxBodyBytes;
  if (server.max_buffered === "auto") {
    const share = Math.min(LARGEST_AUTO_BUFFER, Math.floor((memory * MEMORY_SHARE) / processes));
    return { maxBodyBytes, maxBufferedBytes: Math.max(least, share) };
  }
  const maxBufferedBytes = bytes(server.max_buffered);
  if (maxBufferedBytes < least) {
    const text = `expected at least ${least} bytes, which are two of the largest bodies (server.max_body), got ${maxBufferedBytes}`;
    problems.push({ path: ["server", "max_buffered"], text });
  }
  return { maxBodyBytes, maxBufferedBytes };
}

/** The Redis of the file or of `REDIS_URL`; undefined for limits in memory. */
export function resolveRedis(file: File, { environment, problems, warnings }: Surroundings): Redis | undefined {
  const path = ["redis"];
  if (problems.some((problem) => isWithin(problem.path, path))) return undefined;
  const settings = file.redis;
  const fromEnvironment = environment.REDIS_URL || undefined;
  const ways = (["url", "cluster", "sentinel"] as const).filter((way) => settings?.[way] !== undefined && settings[way] !== "");
  if (ways.length > 1) problems.push({ path, text: `expected one of url, cluster or sentinel, got ${ways.join(" and ")}` });
  const isPlural = settings?.cluster !== undefined || settings?.sentinel !== undefined;
  if (isPlural && fromEnvironment !== undefined)
    warnings.push({ path, text: `REDIS_URL is ignored, since the file has ${ways.join(" and ")}` });
  const url = isPlural ? undefined : (fromEnvironment ?? settings?.url);
  if (settings !== undefined && settings.url === undefined && !isPlural && url === undefined) {
    problems.push({ path, text: "expected one of url, cluster or sentinel, got none; leave redis out to keep limits in memory" });
  }
  if (!isPlural && (url === undefined || url === "")) return undefined;
  if (url !== undefined && !(URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol))) {
    const where = fromEnvironment === undefined ? ["redis", "url"] : ["REDIS_URL"];
    problems.push({ path: where, text: "expected an address such as redis://10.0.0.1:6379 or rediss:// for TLS, got other text" });
  }
  const timeoutMs = milliseconds(settings?.timeout ?? "50ms");
  if (timeoutMs < 1 || timeoutMs > LONGEST_REDIS_WAIT_MS) {
    const text = `expected a duration from 1ms to ${durationText(LONGEST_REDIS_WAIT_MS)}, got ${durationText(timeoutMs)}; every call may wait that long`;
    problems.push({ path: ["redis", "timeout"], text });
  }
  return {
    url,
    cluster: settings?.cluster,
    sentinel: settings?.sentinel,
    username: settings?.username || undefined,
    password: settings?.password || undefined,
    tls: settings?.tls ?? [url, ...(settings?.cluster ?? [])].some((address) => address?.startsWith("rediss:")),
    prefix: settings?.prefix ?? "weir",
    onFailure: settings?.on_failure ?? "local",
    timeoutMs,
  };
}

/** The proxy variables, in capitals or, as curl has them, in small letters; small letters go first. */
export function resolveProxy({ environment, problems }: Surroundings): Config["proxy"] {
  const nameOf = (name: string) => [name.toLowerCase(), name].find((each) => environment[each]);
  const address = (capitals: string): string | undefined => {
    const name = nameOf(capitals);
    const value = name === undefined ? undefined : environment[name]?.trim();
    if (name === undefined || value === undefined) return undefined;
    const url = value.includes("://") ? value : `http://${value}`;
    if (URL.canParse(url) && new URL(url).protocol === "http:") return url;
    problems.push({
      path: [name],
      text: "expected an address such as http://proxy.example:3128 in this environment variable, got other text; Weir speaks plain HTTP to proxies",
    });
    return undefined;
  };
  const exceptions = nameOf("NO_PROXY");
  const proxy: ProxySettings = {
    https: address("HTTPS_PROXY"),
    http: address("HTTP_PROXY"),
    no: exceptions === undefined ? undefined : environment[exceptions],
  };
  return proxy.https === undefined && proxy.http === undefined ? undefined : proxy;
}
