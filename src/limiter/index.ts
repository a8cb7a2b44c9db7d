/** Chooses the store by the configuration. A store is one file and one line here. */
import type { Redis as RedisSettings } from "../contract/config.ts";
import { connectRedis } from "../redis/connect.ts";
import { Limiter, type LimiterEvents } from "./limiter.ts";
import { MemoryStore } from "./memory.ts";
import { RedisStore } from "./redis.ts";

export interface OpenLimiterOptions extends LimiterEvents {
  /** Undefined where the windows are kept in memory. */
  redis: RedisSettings | undefined;
  /** Called with the number of settlements that were given up, because they could not be delivered for a whole window. */
  onLost?: ((count: number) => void) | undefined;
  /** Only tests set it, for windows shorter than a minute. */
  windowMs?: number | undefined;
}

export function openLimiter({ redis, onLost, windowMs, ...events }: OpenLimiterOptions): Limiter {
  if (redis === undefined) return new Limiter({ ...events, store: new MemoryStore({ windowMs }) });
  const store = new RedisStore({
    client: connectRedis(redis),
    prefix: redis.prefix,
    timeoutMs: redis.timeoutMs,
    windowMs,
    onConnected: () => limiter.storeConnected(),
    onFailure: (failure) => limiter.storeFailed(failure),
    onSettled: (durationMs) => events.onDuration?.("settle", durationMs),
    onLost,
  });
  const limiter = new Limiter({ ...events, store, policy: redis.onFailure, local: new MemoryStore({ windowMs }) });
  return limiter;
}
