import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../contract/config.ts";
import { Crowd } from "../contract/crowd.ts";
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
import { workersConfig } from "./in-force.ts";

/** How long the start waits for the first answer of Redis. After that the policy (`on_failure`) decides until Redis answers. */
const REDIS_PATIENCE_MS = 2_000;

const CARE_MS = 250;

/** The parts that the gateway uses for requests. */
export interface Parts {
  metrics: Metrics;
  /** The tables of the configuration only; the first `InForce.refresh` adds the workspaces of the directory. */
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

/** Builds the parts, each from parts that were built before it. Where Redis does not answer, the wait for it is short. */
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
    onNotice: (worker, cause) => log.error({ worker, cause }, "a worker met a fault, and goes on"),
    onLesson: (worker, cause) =>
      log.warn({ worker, cause }, "an upstream has refused something that its table lists as accepted: requests go without it for a while"),
  });
  const configured = pool.configure(workersConfig(config, catalog));
  const bodyClock = new BodyClock(config.server.clocks.sendingMs);
  const shedding = new Shedding((isOn) => {
    if (isOn) log.warn("this thread is more than a second behind: new calls are refused until it has caught up");
    else log.info("this thread has caught up: calls are taken again");
  });
  // Before the workers are ready: one that never begins must be noticed.
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
      // The first answer of Redis is no return.
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
    onTrouble: (cause) => log.error({ cause }, "the directory cannot be read: keys stay as they were read last"),
  });
  await Promise.race([directory.refresh(), delay(REDIS_PATIENCE_MS)]);
  directory.watch();
  return directory;
}

/** Looks four times a second at how late this thread is, whether the workers answer, which bodies are late and how many calls are open. */
function care({ pool, metrics, bodyClock, shedding }: Pick<Parts, "pool" | "metrics" | "bodyClock"> & { shedding: Shedding }): void {
  const crowd = new Crowd();
  let expectedMs = performance.now() + CARE_MS;
  setInterval(() => {
    const nowMs = performance.now();
    const lagMs = Math.max(0, nowMs - expectedMs);
    metrics.workers.frontLag(lagMs);
    shedding.sample(lagMs);
    bodyClock.check(nowMs);
    pool.checkPulses(nowMs, lagMs);
    crowd.look(pool.samples().reduce((sum, { calls }) => sum + calls, 0));
    expectedMs = nowMs + CARE_MS;
  }, CARE_MS);
}
