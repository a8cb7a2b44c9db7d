/** ioredis as Weir wants it: it fails at once rather than queue, never sends a command twice of its own accord, and comes back by itself. */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Redis as RedisSettings } from "../contract/config.ts";

export type RedisClient = Redis | Cluster;

/** Milliseconds before the next attempt to connect: doubling from 50 up to a second, half of it by chance, so that replicas do not return in step. */
function retryDelayMs(attempt: number): number {
  const most = Math.min(1000, 25 * 2 ** Math.min(attempt, 10));
  return most / 2 + (Math.random() * most) / 2;
}

/** What connections of all three kinds have in common. */
type ConnectionOptions = Omit<
  RedisOptions,
  "enableOfflineQueue" | "himportFieldsets" | "host" | "path" | "port" | "readOnly" | "replyMapping" | "retryStrategy" | "sentinels"
>;

function connectionOptions(settings: RedisSettings): ConnectionOptions {
  return {
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(settings.tls ? { tls: {} } : {}),
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: 2000,
    // A server that keeps its connection but says nothing (stopped, cut off without a reset) would be waited for until TCP gives up, many minutes.
    socketTimeout: Math.max(1000, settings.timeoutMs * 20),
    // Proxies (twemproxy, Codis) refuse HELLO, INFO and CLIENT in ways of their own; nothing here needs them.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    // A master that was demoted answers READONLY: connect anew, to the present master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

type SentinelOptions = ConnectionOptions & Pick<RedisOptions, "enableOfflineQueue" | "retryStrategy" | "sentinels">;

/**
 * Begins anew where ioredis gives up. It does while it asks the Sentinels where the master is: word of a failover that comes just then drops the attempt
 * (FailoverDetector, 6.0), an address that is none fails it, and no other one follows.
 */
class LastingRedis extends Redis {
  #closed = false;
  #endings = 0;

  constructor(options: SentinelOptions) {
    super(options);
    this.on("ready", () => {
      this.#endings = 0;
    });
    this.on("end", () => {
      if (this.#closed) return;
      const again = (): void => {
        if (!this.#closed) this.connect().catch(() => {});
      };
      setTimeout(again, retryDelayMs(++this.#endings));
    });
  }

  override disconnect(reconnect = false): void {
    if (!reconnect) this.#closed = true;
    super.disconnect(reconnect);
  }
}

/** `host:port`, `[v6]:port` or a redis URL. */
function place(
  node: string,
  port: number,
): { host: string; port: number; secure: boolean; username: string | undefined; password: string | undefined } {
  let url: URL;
  try {
    url = new URL(node.includes("://") ? node : `redis://${node}`);
  } catch {
    // The error of `URL` would repeat the text, password and all.
    throw new Error("A Redis node is neither host:port nor a redis:// URL.");
  }
  return {
    host: url.hostname.replace(/^\[|\]$/g, "") || "127.0.0.1",
    port: Number(url.port || port),
    secure: url.protocol === "rediss:",
    username: url.username === "" ? undefined : decodeURIComponent(url.username),
    password: url.password === "" ? undefined : decodeURIComponent(url.password),
  };
}

/**
 * Begins to connect and goes on trying for ever; the client is usable at once (its commands fail until there is a connection).
 * @throws Error where the settings name no server; no message holds a secret
 */
export function connectRedis(settings: RedisSettings): RedisClient {
  const options = connectionOptions(settings);
  if (settings.cluster !== undefined) return connectCluster(settings, settings.cluster, options);
  if (settings.sentinel !== undefined) {
    const sentinels = settings.sentinel.nodes.map((node) => place(node, 26379));
    return new LastingRedis({
      ...options,
      name: settings.sentinel.name,
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      ...(settings.tls ? { enableTLSForSentinelMode: true } : {}),
      enableOfflineQueue: false,
      // Here the role has to be looked at: a Sentinel may still name the old master.
      enableReadyCheck: true,
      failoverDetector: true,
      sentinelCommandTimeout: 1000,
      retryStrategy: retryDelayMs,
      sentinelRetryStrategy: retryDelayMs,
    });
  }
  if (settings.url === undefined) throw new Error("Redis: no url, cluster or sentinel is configured.");
  const single = { ...options, enableOfflineQueue: false, retryStrategy: retryDelayMs };
  // A path is a socket on this machine.
  if (settings.url.startsWith("/")) return new Redis(settings.url, single);
  place(settings.url, 6379);
  return new Redis(settings.url.includes("://") ? settings.url : `redis://${settings.url}`, single);
}

function connectCluster(settings: RedisSettings, nodes: string[], options: ConnectionOptions): RedisClient {
  const places = nodes.map((node) => place(node, 6379));
  const first = places[0];
  if (first === undefined) throw new Error("Redis: the cluster names no node.");
  // The nodes that the cluster names itself are reached with the same credentials.
  const redisOptions: ConnectionOptions = { ...options };
  if (settings.username === undefined && first.username !== undefined) redisOptions.username = first.username;
  if (settings.password === undefined && first.password !== undefined) redisOptions.password = first.password;
  if (first.secure) redisOptions.tls = {};
  return new Cluster(
    places.map(({ host, port }) => ({ host, port })),
    {
      redisOptions,
      enableOfflineQueue: false,
      // A redirection is followed, a failover is not waited for: the deadline is shorter than any.
      maxRedirections: 3,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      slotsRefreshTimeout: 1000,
      clusterRetryStrategy: retryDelayMs,
      clusterNodeRetryStrategy: retryDelayMs,
    },
  );
}
