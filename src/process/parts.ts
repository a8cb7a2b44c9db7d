import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../contract/config.ts";
import { openStore } from "../directory/index.ts";
import { Replica } from "../directory/replica.ts";
import { openLimiter } from "../limiter/index.ts";
import { LIMITER_STATES, type Limiter } from "../limiter/limiter.ts";
import type { Logger } from "../log/log.ts";
import { Metrics } from "../metrics/metrics.ts";
import { WorkerPool } from "../pool/pool.ts";
import { BodyClock } from "../request/body/clock.ts";
import { Deadlines } from "../request/client/deadlines.ts";
import { Room } from "../request/load/room.ts";
import { Shedding } from "../request/load/shedding.ts";
import { Turns } from "../request/load/turns.ts";
import { Catalog } from "../routing/catalog.ts";
import { HealthBook } from "../routing/health.ts";
import { openTotals } from "../usage/index.ts";
import type { Totals } from "../usage/totals.ts";
import { care } from "./care.ts";
import { workersConfig } from "./in-force.ts";

/** How long the start waits for a first word from Redis; after that the policy decides until there is one. */
const REDIS_PATIENCE_MS = 2_000;

/** The parts that a request passes on its way, below the gateway itself. */
export interface Parts {
  metrics: Metrics;
  /** The tables of the configuration alone; the directory's workspaces come with the first `InForce.refresh`. */
  catalog: Catalog;
  targetHealth: HealthBook;
  pool: WorkerPool;
  bodyClock: BodyClock;
  turns: Turns;
  deadlines: Deadlines;
  room: Room;
  limiter: Limiter;
  totals: Totals;
  directory: Replica;
}

/** Builds the parts, each with what was built before it. Redis may be away: then it is waited for a moment only. */
export async function buildParts(config: Config, log: Logger): Promise<Parts> {
  const metrics = new Metrics();
  const targetHealth = new HealthBook();
  const catalog = new Catalog(config, targetHealth);
  const pool = new WorkerPool({
    size: config.workers,
    onDeath: (worker, reason, calls) => {
      metrics.workers.restarted();
      log.error({ worker, reason, calls }, "a worker died and is being replaced");
    },
    onNotice: (worker, cause) => log.error({ worker, cause }, "a worker met something wrong, and goes on"),
    onLesson: (worker, cause) =>
      log.warn({ worker, cause }, "an upstream has refused what its table says it takes: it is asked without it"),
  });
  const configured = pool.configure(workersConfig(config, catalog));
  const bodyClock = new BodyClock(config.server.clocks.sendingMs);
  const shedding = new Shedding((isOn) => {
    if (isOn) log.warn("this thread is more than a second behind: new calls are refused until it has caught up");
    else log.info("this thread has caught up: calls are taken again");
  });
  // Already now: a worker may never begin.
  care({ pool, metrics, bodyClock, shedding });
  await configured;
  const room = new Room(config.server, shedding);
  metrics.workers.sampleWorkers(() => pool.samples());
  metrics.sampleBuffered(() => room.bufferedBytes);
  metrics.dropped.reportFirst((model, name) =>
    log.warn({ model, dropped: name }, "a model does not take this: requests go without it, and their answers say so (x-weir-dropped)"),
  );
  const limiter = await startLimiter(config, metrics, log);
  const totals = openTotals(config.redis);
  const directory = await startDirectory(config, metrics, log);
  return {
    metrics,
    catalog,
    targetHealth,
    pool,
    bodyClock,
    deadlines: new Deadlines(),
    turns: new Turns(),
    room,
    limiter,
    totals,
    directory,
  };
}

async function startLimiter({ redis }: Config, metrics: Metrics, log: Logger): Promise<Limiter> {
  let isTold = false;
  const limiter = openLimiter({
    redis,
    onState: (state, before, reason) => {
      metrics.limiterIs(state, LIMITER_STATES);
      // The first word from Redis is no return.
      if (state === "redis") log.info({ state, before }, isTold ? "the limiter is back on Redis" : "limits are kept in Redis");
      else log.error({ state, before, reason }, "Redis is away: the limiter follows its policy");
      isTold = true;
    },
    onDuration: (operation, durationMs) => metrics.limiterTook(operation, durationMs),
    onFailure: (kind) => metrics.redisFailed(kind),
    onDebt: (_workspace, model, tokens) => metrics.debtMade(model, tokens),
    onLost: (count) => log.error({ count }, "settlements were given up: Redis was away for longer than they count"),
  });
  metrics.limiterIs(limiter.state, LIMITER_STATES);
  await limiter.contact(REDIS_PATIENCE_MS);
  if (redis !== undefined && !isTold) {
    isTold = true;
    log.error({ state: limiter.state }, "Redis is away: the limiter follows its policy");
  }
  return limiter;
}

async function startDirectory(config: Config, metrics: Metrics, log: Logger): Promise<Replica> {
  const store = openStore(config, (text) => log.warn(text));
  const directory = new Replica(config, store, {
    onKeys: (counts, keys) => metrics.configured.keysKnown(counts, keys),
    onTrouble: (cause) => log.error({ cause }, "the directory cannot be read: keys are known as they were"),
  });
  await Promise.race([directory.refresh(), delay(REDIS_PATIENCE_MS)]);
  directory.watch();
  return directory;
}
