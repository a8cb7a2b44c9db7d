/** Opens the store of the day totals. Each kind of store is one file, and one line here. */
import type { Redis } from "../contract/config.ts";
import { connectRedis } from "../redis/connect.ts";
import { MemoryTotals } from "./memory.ts";
import { RedisTotals } from "./redis.ts";
import type { Totals } from "./totals.ts";

export function openTotals(redis: Redis | undefined): Totals {
  return redis === undefined ? new MemoryTotals() : new RedisTotals({ client: connectRedis(redis), prefix: redis.prefix });
}
