/** Loads a gateway for some time, with pauses (lulls) in which everything is measured. */
import type { RuntimeName } from "../../test/support/weir.ts";
import { KINDS, type Kind } from "./calls.ts";
import { lagOf, metricsOf, type Sample, SERIES, type SeriesName, sampleOf, summed } from "./samples.ts";
import { type Finding, findingsOf, type Sampled } from "./verdict.ts";
import { SoakWorld } from "./world.ts";

export interface Plan {
  runtime: RuntimeName;
  ms: number;
  /** How long the load between two lulls is, in milliseconds. */
  spellMs: number;
  warmUpMs: number;
  callsPerSecond: number;
  /** For this time the failing target is away; then it is there for the same time. */
  toggleMs: number;
  /** How long a lull waits for calls and connections to end: Redis has to get settlements, and the kernel has to close sockets. */
  settledMs: number;
  onSample?: (sampled: Sampled) => void;
  /** Runs at the beginning of each load, for a test that must find a leak. */
  mischief?: (world: SoakWorld) => Promise<void>;
}

export interface Result {
  /** How many calls of each kind were made. */
  calls: Record<string, number>;
  /** One sentence for each wrong answer. */
  wrongAnswers: string[];
  samples: Sampled[];
  findings: Finding[];
  /** Faults in the gateway's own log. */
  faults: string[];
}

const TICK_MS = 5;
const LAG_EVERY_MS = 1_000;
const SEED = 7;

export async function soak(plan: Plan): Promise<Result> {
  const world = new SoakWorld(plan.runtime);
  await world.start();
  try {
    return await underLoad(world, plan);
  } finally {
    await world.stop();
  }
}

async function underLoad(world: SoakWorld, plan: Plan): Promise<Result> {
  const calls: Record<string, number> = {};
  const wrongAnswers: string[] = [];
  const samples: Sampled[] = [];
  const pick = chooser(SEED);
  // Each kind is in the list as often as its weight says.
  const lots = KINDS.flatMap((kind) => Array<Kind>(kind.weight).fill(kind));
  const begunMs = performance.now();
  const sinceMs = () => performance.now() - begunMs;
  let toggledMs = 0;

  while (sinceMs() < plan.ms) {
    const open = new Set<Promise<void>>();
    const spell = performance.now();
    let most = 0;
    const lag = watch(async () => {
      most = Math.max(most, lagOf(await metricsOf(world.weir)));
    });
    await plan.mischief?.(world);
    for (let nth = 0; performance.now() - spell < plan.spellMs; nth++) {
      const dueMs = spell + (nth * 1_000) / plan.callsPerSecond;
      while (performance.now() < dueMs) await sleep(Math.min(TICK_MS, Math.max(1, dueMs - performance.now())));
      if (sinceMs() - toggledMs > plan.toggleMs) {
        toggledMs = sinceMs();
        await world.toggle();
      }
      const kind = lots[pick(lots.length)] as Kind;
      calls[kind.name] = (calls[kind.name] ?? 0) + 1;
      const call = kind
        .run(world, pick)
        .catch((thrown: unknown) => String(thrown))
        .then((wrong) => {
          if (wrong !== undefined) wrongAnswers.push(`${kind.name}: ${wrong}`);
          open.delete(call);
        });
      open.add(call);
    }
    await Promise.all(open);
    await lag();
    const sample = await lull(world, most * 1_000, plan.settledMs);
    const sampled = { ms: sinceMs(), sample };
    samples.push(sampled);
    plan.onSample?.(sampled);
  }
  return { calls, wrongAnswers, samples, findings: findingsOf(samples, plan.warmUpMs), faults: await faultsOf(world) };
}

/** Measures until everything that must end has ended, or the time is over. */
async function lull(world: SoakWorld, lagMs: number, settledMs: number): Promise<Sample> {
  const untilMs = performance.now() + settledMs;
  for (;;) {
    const sample = await sampleOf(world.watched, lagMs);
    const isSettled = (Object.keys(SERIES) as SeriesName[]).every((name) => SERIES[name].rule === "level" || sample[name] === 0);
    if (isSettled || performance.now() > untilMs) return sample;
    await sleep(50);
  }
}

async function faultsOf({ weir }: SoakWorld): Promise<string[]> {
  const restarts = summed(await metricsOf(weir), "weir_worker_restarts_total");
  const lines = weir.log().filter(({ outcome, level, message }) => outcome === "internal" || (level === "error" && message !== "request"));
  return [...(restarts > 0 ? [`${restarts} workers were lost`] : []), ...lines.slice(0, 10).map((line) => JSON.stringify(line))];
}

/** Runs once a second until it is stopped. */
function watch(look: () => Promise<void>): () => Promise<void> {
  const timer = setInterval(() => void look().catch(() => {}), LAG_EVERY_MS);
  return async () => {
    clearInterval(timer);
    await look();
  };
}

/** Returns numbers from 0 up to, but without, `most`. They are the same in every run. Source of the constants: Numerical Recipes. */
function chooser(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * most);
  };
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
