import type { Redis as RedisSettings } from "../../../src/contract/config.ts";
import type { RedisClient } from "../../../src/redis/connect.ts";

/** The settings of `weir.yaml` for a single server. */
export function settings(url: string, change: Partial<RedisSettings> = {}): RedisSettings {
  return {
    url,
    cluster: undefined,
    sentinel: undefined,
    username: undefined,
    password: undefined,
    tls: false,
    prefix: "weir",
    onFailure: "local",
    timeoutMs: 50,
    ...change,
  };
}

export async function connected(client: RedisClient): Promise<RedisClient> {
  if (client.status !== "ready") await new Promise<void>((resolve) => client.once("ready", () => resolve()));
  return client;
}

/** mulberry32: the same seed gives the same numbers everywhere. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
