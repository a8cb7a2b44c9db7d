/** ioredis with Weir's settings: a command fails at once instead of waiting in a queue and is never repeated, and a lost connection is opened again. */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Redis as RedisSettings } from "../contract/config.ts";

export type RedisClient = Redis | Cluster;

/** Milliseconds before the next attempt to connect: doubled from 50 up to a second, half of it random, so that replicas do not come back at the same moment. */
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
    // Without this bound, a server that keeps its connection but says nothing (stopped, cut off without a reset) is waited for until TCP gives up, many minutes later.
    socketTimeout: Math.max(1000, settings.timeoutMs * 20),
    // Proxies (twemproxy, Codis) refuse HELLO, INFO and CLIENT, each in another way; nothing here needs these commands.
    protocol: 2,
    enableReadyCheck: false,
    disableClientInfo: true,
    // A master that was demoted answers READONLY: connect again, to the present master.
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
  };
}

type SentinelOptions = ConnectionOptions & Pick<RedisOptions, "enableOfflineQueue" | "retryStrategy" | "sentinels">;

/**
 * Connects again where ioredis gives up. ioredis gives up while it asks the Sentinels for the master: a message about a failover at that moment drops the attempt
 * (FailoverDetector, 6.0), a bad address makes it fail, and no other attempt follows.
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
    // The error of `URL` would repeat the text with its password.
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
 * Begins to connect, and tries again for ever. The client can be used at once; its commands fail until there is a connection.
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
      // Here the role must be checked: a Sentinel may still name the old master.
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
  // The nodes that the cluster itself names get the same credentials.
  const redisOptions: ConnectionOptions = { ...options };
  if (settings.username === undefined && first.username !== undefined) redisOptions.username = first.username;
  if (settings.password === undefined && first.password !== undefined) redisOptions.password = first.password;
  if (first.secure) redisOptions.tls = {};
  return new Cluster(
    places.map(({ host, port }) => ({ host, port })),
    {
      redisOptions,
      enableOfflineQueue: false,
      // A redirection is followed. A failover is not waited for: it takes longer than the deadline.
      maxRedirections: 3,
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
      slotsRefreshTimeout: 1000,
      clusterRetryStrategy: retryDelayMs,
      clusterNodeRetryStrategy: retryDelayMs,
    },
  );
}
