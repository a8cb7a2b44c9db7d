/** Which scenarios and variants a command line asks for, and which of them this machine cannot run. */
import { type Options, UsageError } from "./arguments.ts";
import { peers } from "./peers/index.ts";
import type { NotRun } from "./result.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { COMPILED, type Scenario, SPEECHES } from "./scenarios/scenario.ts";
import { TARGET_SCENARIOS } from "./targets.ts";
import type { Variant } from "./variant.ts";
import { against } from "./variants/against.ts";
import { compiled } from "./variants/compiled.ts";
import { MISSING_VARIANTS, VARIANTS } from "./variants/index.ts";
import { missing, type Surroundings } from "./world.ts";

export interface Plan {
  scenarios: Scenario[];
  variants: readonly Variant[];
  /** Names of the variants that are peers. */
  peers: string[];
  /** Versions of the peers and of the built baselines, by name. */
  versions: Record<string, string>;
  notRun: NotRun[];
}

/** @param tell reports what takes a while before the run */
export async function plan(options: Options, surroundings: Surroundings, tell: (what: string) => void): Promise<Plan> {
  const named = SCENARIOS.filter(({ name }) => options.names.includes(name));
  const wanted = options.isTargets ? named.map(forTargets) : named;
  return options.against === undefined ? await here(wanted, options, surroundings, tell) : elsewhere(wanted, options, options.against);
}

/** The scenario with only those variants that its targets need. */
const forTargets = (scenario: Scenario): Scenario => {
  const meant = TARGET_SCENARIOS.get(scenario.name);
  return { ...scenario, beside: scenario.beside.filter((name) => meant?.has(name)) };
};

async function here(
  wanted: readonly Scenario[],
  options: Options,
  surroundings: Surroundings,
  tell: (what: string) => void,
): Promise<Plan> {
  const notRun = [...MISSING_VARIANTS];
  const scenarios = wanted.filter((scenario) => {
    const why = missing(scenario);
    if (why !== undefined) notRun.push({ what: scenario.name, why });
    return why === undefined;
  });
  const wantsBuilt = new Set(scenarios.flatMap(({ beside }) => beside.filter((name) => COMPILED.includes(name))));
  const built = await compiled(wantsBuilt, options.cache, !options.isSmoke, tell);
  const variants = [...VARIANTS, ...built.variants];
  notRun.push(...built.notRun);
  if (options.peers.length === 0) return { scenarios, variants, peers: [], versions: built.versions, notRun };
  const { upstreamUrl } = await surroundings.world({ limiter: "off", tls: false });
  const others = await peers(options.peers, options.cache, upstreamUrl, tell);
  return {
    scenarios,
    variants: [...variants, ...others.variants],
    peers: others.variants.map(({ name }) => name),
    versions: { ...built.versions, ...others.versions },
    notRun: [...notRun, ...others.notRun],
  };
}

/** Only scenarios that depend on neither the upstream nor the limiter, with the one gateway that already runs. */
function elsewhere(wanted: readonly Scenario[], { key, dialects, model: named }: Options, url: URL): Plan {
  const scenarios = wanted
    .filter((scenario) => scenario.elsewhere && dialects.includes(scenario.question.dialect))
    .map((scenario): Scenario => {
      const model = named ?? SPEECHES[scenario.question.dialect].elsewhere;
      const question = { ...scenario.question, model, atOnce: model };
      return { ...scenario, question, limiter: "off", beside: ["against"] };
    });
  if (scenarios.length === 0) {
    const possible = SCENARIOS.filter((scenario) => scenario.elsewhere && dialects.includes(scenario.question.dialect));
    const names = possible.map(({ name }) => name).join(", ");
    throw new UsageError(
      `none of these scenarios can be measured through a gateway that already runs, in ${dialects.join(" or ")}; there are ${names}`,
    );
  }
  return { scenarios, variants: [against({ url, key, dialects })], peers: [], versions: {}, notRun: [] };
}
