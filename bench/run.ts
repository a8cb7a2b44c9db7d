/** Runs scenarios, round by round, and collects what they measure. */

import { Absent } from "./absent.ts";
import { jobOf, type Named } from "./job.ts";
import { leaveAll } from "./load/connection.ts";
import type { Job, Outcome } from "./load/job.ts";
import { inOwnProcess } from "./load/process.ts";
import { rounds, TURNING } from "./load/turns.ts";
import { MEASURES, type Measure, type Measures, type NotRun, type ScenarioResult } from "./result.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import type { Settings } from "./settings.ts";
import type { Running, Variant, World } from "./variant.ts";
import type { Surroundings } from "./world.ts";

export interface Run {
  scenarios: readonly Scenario[];
  variants: readonly Variant[];
  /** Names of the variants that are peers. They run in every scenario that allows peers. */
  peers: readonly string[];
  settings: Settings;
  surroundings: Surroundings;
  progress: { step(done: number, count: number, what: string): void };
}

/** Throws at the first wrong answer, with the scenario and the variant. A peer with a wrong answer is left out of the scenario instead. */
export async function runAll(run: Run): Promise<{ scenarios: ScenarioResult[]; notRun: NotRun[] }> {
  const { settings, surroundings, progress } = run;
  const sheet = new Sheet();
  const silent = new Map<string, NotRun>();
  const absent = new Absent(run.peers);
  const started = new Started(settings.fresh);
  const steps = run.scenarios.map((scenario) => ({ scenario, groups: groupsOf(scenario, run) }));
  const count = steps.reduce((sum, { scenario, groups }) => sum + groups.length * (turns(scenario, settings) ? 1 : settings.rounds), 0);
  let done = 0;
  try {
    for (let round = 0; round < settings.rounds; round++) {
      for (const { scenario, groups } of steps) {
        const world = await surroundings.world(scenario);
        // The order is reversed in every other round, so that heat and caches of one variant do not always meet the same next one.
        for (const group of round % 2 === 0 ? groups : groups.toReversed()) {
          const names = group.map(({ name }) => name).join(", ");
          // The first round of this scenario has already made all its rounds.
          if (round > 0 && turns(scenario, settings)) continue;
          progress.step(done++, count, `round ${round + 1}, ${scenario.name}, ${names}`);
          try {
            const outcome = await absent.without(scenario.name, round, group, (present) =>
              measure(scenario, present, world, settings, started),
            );
            if (outcome === "absent") continue;
            if (outcome === undefined)
              silent.set(scenario.name + names, { what: `${scenario.name}, ${names}`, why: "does not speak the dialect" });
            else for (const one of outcome) sheet.write(scenario, one);
          } catch (thrown) {
            throw new Error(`${scenario.name}, ${names}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
          }
        }
      }
    }
  } finally {
    await started.stopAll();
  }
  return { scenarios: sheet.results(), notRun: [...silent.values(), ...absent.notRun] };
}

/** Whether the variants are started once for all rounds of the scenario. */
const turns = ({ kind }: Scenario, settings: Settings): boolean => settings.turns > 0 && TURNING.has(kind);

/** The variants in groups that are measured together: each variant alone, or all of them. */
function groupsOf(scenario: Scenario, { variants, peers, settings }: Run): Variant[][] {
  const those = variants.filter(
    ({ name, dialects }) =>
      (scenario.beside.includes(name) || (scenario.peers && peers.includes(name))) &&
      (dialects?.includes(scenario.question.dialect) ?? true),
  );
  return scenario.together || turns(scenario, settings) ? [those] : those.map((variant) => [variant]);
}

async function measure(
  scenario: Scenario,
  group: readonly Variant[],
  world: World,
  settings: Settings,
  started: Started,
): Promise<Outcome[] | undefined> {
  const asked: Named[] = [];
  try {
    for (const variant of group) asked.push({ variant, running: await started.take(variant, world) });
    const job = await jobOf(scenario, asked, world, settings);
    return job && (await perform(job, settings));
  } finally {
    leaveAll();
    for (const { running } of asked) await started.giveBack(running);
  }
}

const perform = (job: Job, { fresh }: Settings): Promise<Outcome[]> => (fresh ? inOwnProcess(job) : rounds(job));

/** Starts variants: a new process each time, or one for the whole run where only right answers count. */
class Started {
  readonly #fresh: boolean;
  readonly #kept = new Map<string, Running>();

  constructor(fresh: boolean) {
    this.#fresh = fresh;
  }

  async take(variant: Variant, world: World): Promise<Running> {
    if (this.#fresh) return await variant.start(world);
    const key = `${variant.name} ${world.upstreamUrl} ${world.limiter}`;
    const running = this.#kept.get(key) ?? (await variant.start(world));
    this.#kept.set(key, running);
    return running;
  }

  async giveBack(running: Running): Promise<void> {
    if (this.#fresh) await running.stop();
  }

  async stopAll(): Promise<void> {
    for (const running of this.#kept.values()) await running.stop();
  }
}

/** The measures of all scenarios and variants, with one figure per round. */
class Sheet {
  readonly #scenarios = new Map<string, ScenarioResult>();

  write({ name, title, limiter }: Scenario, { measures }: Outcome): void {
    const result = this.#scenarios.get(name) ?? { name, title, limiter, variants: [] };
    this.#scenarios.set(name, result);
    for (const [variant, found] of Object.entries(measures)) {
      let row = result.variants.find((one) => one.variant === variant);
      if (row === undefined) {
        row = { variant, measures: {} };
        result.variants.push(row);
      }
      for (const measure of Object.keys(MEASURES) as Measure[]) append(row.measures, measure, found);
    }
  }

  results(): ScenarioResult[] {
    return [...this.#scenarios.values()];
  }
}

function append(row: Partial<Record<Measure, number[]>>, measure: Measure, found: Measures): void {
  const value = found[measure];
  if (value === undefined) return;
  const values = row[measure] ?? [];
  row[measure] = values;
  values.push(value);
}
