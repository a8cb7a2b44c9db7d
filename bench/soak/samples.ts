/** Measures a gateway in a lull. There are no calls then, so what is found would stay for ever. */
import { readdirSync, readFileSync } from "node:fs";
import { redisCli } from "../../test/support/redis.ts";
import type { Weir } from "../../test/support/weir.ts";
import { valuesOf } from "../load/gauges.ts";

/**
 * The series with their titles. `rule`: a series with `none` must be 0 in every lull; one with `level` must not grow, or by at most its `room` in an
 * hour, where it has one.
 */
export const SERIES = {
  rss: { title: "memory of the process, all threads", unit: "MB", rule: "level" },
  heap: { title: "heap of the front thread", unit: "MB", rule: "level" },
  descriptors: { title: "file descriptors", unit: "", rule: "level" },
  otherDescriptors: { title: "file descriptors that are no connection of a call", unit: "", rule: "level" },
  upstreamConnections: { title: "connections to upstreams that are kept", unit: "", rule: "level" },
  redisKeys: { title: "keys in Redis", unit: "", rule: "level" },
  // The totals of the day grow, and a number ten times as large has one more digit.
  redisBytes: { title: "what the keys in Redis take", unit: "kB", rule: "level", room: 10 },
  lag: { title: "event loop's lag under load, most of any thread", unit: "ms", rule: "level" },
  clientConnections: { title: "connections of clients that have gone", unit: "", rule: "none" },
  inFlight: { title: "calls in flight", unit: "", rule: "none" },
  workerStreams: { title: "calls in workers", unit: "", rule: "none" },
  buffered: { title: "bytes of bodies that are held", unit: "", rule: "none" },
  reservedRequests: { title: "reserved requests", unit: "", rule: "none" },
  reservedTokens: { title: "reserved tokens", unit: "", rule: "none" },
} as const satisfies Record<string, { title: string; unit: string; rule: "none" | "level"; room?: number }>;

export type SeriesName = keyof typeof SERIES;
export type Sample = Record<SeriesName, number>;

const MIB = 2 ** 20;
/** The memory of all keys. The whole memory of Redis would include its slow log and its statistics. */
const BYTES_OF_KEYS =
  "local sum = 0 for _, key in ipairs(redis.call('keys', '*')) do sum = sum + (redis.call('memory', 'usage', key) or 0) end return sum";
/** The states in /proc/net/tcp of a connection that a process still has: open, or closed by the peer only. */
const HELD = new Set(["01", "08"]);

export interface Watched {
  weir: Weir;
  adminToken: string;
  workspaces: readonly string[];
  redisPort: number;
  /** How many connections from the gateway are open at the stand-ins. */
  upstreamConnections: () => number;
}

export async function metricsOf(weir: Weir): Promise<string> {
  return await (await fetch(`${weir.adminUrl}/metrics`)).text();
}

/** The sum of all series of a metric. */
export function summed(page: string, name: string): number {
  return sum(valuesOf(page, name));
}

/** The event loop lag of the slowest thread, in seconds. */
export function lagOf(page: string): number {
  return Math.max(0, ...valuesOf(page, "weir_worker_event_loop_lag_seconds"));
}

/** @param lagMs the largest lag since the last lull */
export async function sampleOf(watched: Watched, lagMs: number): Promise<Sample> {
  const { weir, redisPort } = watched;
  const page = await metricsOf(weir);
  const reserved = await reservedIn(watched);
  const pid = weir.child.pid ?? 0;
  const descriptors = readdirSync(`/proc/${pid}/fd`).length;
  const upstreamConnections = watched.upstreamConnections();
  const clientConnections = connectionsTo(pid, Number(new URL(weir.url).port));
  return {
    rss: Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024,
    heap: summed(page, "nodejs_heap_size_used_bytes") / MIB,
    descriptors,
    otherDescriptors: descriptors - upstreamConnections - clientConnections,
    upstreamConnections,
    redisKeys: Number(await redisCli(redisPort, ["dbsize"])),
    redisBytes: Number(await redisCli(redisPort, ["eval", BYTES_OF_KEYS, "0"])) / 1024,
    lag: lagMs,
    clientConnections,
    inFlight: summed(page, "weir_requests_in_flight"),
    workerStreams: summed(page, "weir_worker_streams"),
    buffered: summed(page, "weir_buffered_bytes"),
    reservedRequests: reserved.requests,
    reservedTokens: reserved.tokens,
  };
}

/** How many connections the process has accepted on this port and not closed. */
function connectionsTo(pid: number, port: number): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync(`/proc/${pid}/net/tcp`, "utf8").split("\n").slice(1);
  return lines.filter((line) => {
    const [, local = "", , state = ""] = line.trim().split(/\s+/);
    return local.endsWith(`:${wanted}`) && HELD.has(state);
  }).length;
}

interface Window {
  reserved: number;
}

async function reservedIn({ weir, adminToken, workspaces }: Watched): Promise<{ requests: number; tokens: number }> {
  const answers = await Promise.all(
    workspaces.map(async (workspace) => {
      const answer = await fetch(`${weir.adminUrl}/admin/v1/workspaces/${workspace}/usage?limit=1000`, {
        headers: { authorization: `Bearer ${adminToken}` },
      });
      if (!answer.ok) throw new Error(`the usage of ${workspace} was answered with ${answer.status}: ${await answer.text()}`);
      return (await answer.json()) as { data: { requests: Window | null; tokens: Window | null }[] };
    }),
  );
  const models = answers.flatMap(({ data }) => data);
  return {
    requests: sum(models.map((model) => model.requests?.reserved ?? 0)),
    tokens: sum(models.map((model) => model.tokens?.reserved ?? 0)),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
