/** Runs scenarios: for each round and variant a fresh process, its answers verified, then the load. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { CHUNKS, PACES_MS } from "./answers.ts";
import type { Job, Outcome, Target } from "./load/job.ts";
import type { Kind } from "./load/kinds.ts";
import type { Measure, Measures, NotRun, ScenarioResult } from "./result.ts";
import { requestBody, type Scenario } from "./scenarios/scenario.ts";
import type { Running, Variant, World } from "./variant.ts";
import { verify } from "./verify.ts";
import { missing, type Surroundings } from "./world.ts";

export interface Settings {
  rounds: number;
  warmUpMs: number;
  countMs: number;
  mostCallers: number;
}

export const FULL: Settings = { rounds: 5, warmUpMs: 3_000, countMs: 5_000, mostCallers: 10_000 };

async function target(variant: string, running: Running, scenario: Scenario, world: World): Promise<Target | undefined> {
  const { question, bodyBytes } = scenario;
  const address = running.address(question);
  if (address === undefined) return undefined;
  const { hostname, port, protocol } = new URL(running.url);
  const isTls = protocol === "https:";
  // A slow stream takes minutes; the same in one burst has the same bytes.
  const burst = { ...question, model: question.model.replace(/-(paced|slow)$/, "") };
  const brisk = running.address(PACES_MS[burst.model] === 0 ? burst : question) ?? address;
  const expect = await verify(running, brisk, burst, requestBody(burst, bodyBytes), isTls ? world : { certificate: undefined }, true);
  return {
    name: variant,
    host: hostname,
    port: Number(port || (isTls ? 443 : 80)),
    certificate: isTls && world.certificate !== undefined ? readFileSync(world.certificate, "utf8") : undefined,
    path: address.path,
    headers: address.headers,
    expect,
    pids: running.pids(),
    ...(running.metricsUrl === undefined ? {} : { metricsUrl: running.metricsUrl }),
  };
}

function jobOf(scenario: Scenario, targets: Target[], settings: Settings): Job & { kind: Kind } {
  const { question, bodyBytes, kind, callers, perSecond, neighbour } = scenario;
  return {
    kind,
    targets,
    body: requestBody(question, bodyBytes),
    callers: Math.min(callers, settings.mostCallers),
    perSecond,
    warmUpMs: settings.warmUpMs,
    countMs: settings.countMs,
    chunks: question.stream ? CHUNKS : 0,
    paceMs: PACES_MS[question.model] ?? 0,
    neighbour: neighbour === undefined ? undefined : { body: neighbour.body(), perSecond: neighbour.perSecond },
    refused: undefined,
  };
}

async function load(job: Job & { kind: Kind }): Promise<Outcome> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "load.ts")], {
    stdin: Buffer.from(JSON.stringify(job)),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [text, wrong] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  if (child.exitCode !== 0) throw new Error(wrong.trim());
  return JSON.parse(text) as Outcome;
}

export interface Run {
  scenarios: readonly Scenario[];
  variants: readonly Variant[];
  settings: Settings;
  surroundings: Surroundings;
  progress(line: string): void;
}

export async function runAll({ scenarios, variants, settings, surroundings, progress }: Run) {
  const notRun: NotRun[] = [];
  const wanted = scenarios.filter((scenario) => {
    const why = missing(scenario);
    if (why !== undefined) notRun.push({ what: scenario.name, why });
    return why === undefined;
  });
  const results = new Map<Scenario, Map<string, Partial<Record<Measure, number[]>>>>();
  for (let round = 0; round < settings.rounds; round++) {
    for (const [at, scenario] of wanted.entries()) {
      const world = await surroundings.world(scenario);
      const those = variants.filter(({ name }) => scenario.beside.includes(name));
      for (const variant of round % 2 === 0 ? those : those.toReversed()) {
        progress(`round ${round + 1} of ${settings.rounds}, scenario ${at + 1} of ${wanted.length}: ${scenario.name}, ${variant.name}`);
        const running = await variant.start(world);
        try {
          const asked = await target(variant.name, running, scenario, world);
          if (asked === undefined) continue;
          const { measures } = await load(jobOf(scenario, [asked], settings));
          for (const [name, found] of Object.entries(measures)) keep(results, scenario, name, found);
        } finally {
          await running.stop();
        }
      }
    }
  }
  const found = [...results].map(
    ([{ name, title, limiter }, byVariant]): ScenarioResult => ({
      name,
      title,
      limiter,
      variants: [...byVariant].map(([variant, measures]) => ({ variant, measures })),
    }),
  );
  return { scenarios: found, notRun };
}

function keep(
  results: Map<Scenario, Map<string, Partial<Record<Measure, number[]>>>>,
  scenario: Scenario,
  variant: string,
  found: Measures,
): void {
  const byVariant = results.get(scenario) ?? new Map<string, Partial<Record<Measure, number[]>>>();
  results.set(scenario, byVariant);
  const measures = byVariant.get(variant) ?? {};
  byVariant.set(variant, measures);
  for (const [measure, value] of Object.entries(found) as [Measure, number][]) {
    const values = measures[measure] ?? [];
    measures[measure] = values;
    values.push(value);
  }
}
