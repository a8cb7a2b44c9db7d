/** Which scenarios and variants a command line means, and what of it this machine cannot do. */
import { type Options, UsageError } from "./arguments.ts";
import { peers } from "./peers/index.ts";
import type { NotRun } from "./result.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { type Scenario, SPEECHES } from "./scenarios/scenario.ts";
import type { Variant } from "./variant.ts";
import { against } from "./variants/against.ts";
import { MISSING_VARIANTS, VARIANTS } from "./variants/index.ts";
import { missing, type Surroundings } from "./world.ts";

export interface Plan {
  scenarios: Scenario[];
  variants: readonly Variant[];
  /** Names of those that run wherever peers do. */
  peers: string[];
  /** Of the peers that run. */
  versions: Record<string, string>;
  notRun: NotRun[];
}

/** `tell` is what a person hears of what takes a while before the run. */
export async function plan(options: Options, surroundings: Surroundings, tell: (what: string) => void): Promise<Plan> {
  const wanted = SCENARIOS.filter(({ name }) => options.names.includes(name));
  return options.against === undefined ? await here(wanted, options, surroundings, tell) : elsewhere(wanted, options, options.against);
}

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
  if (options.peers.length === 0) return { scenarios, variants: VARIANTS, peers: [], versions: {}, notRun };
  const { upstreamUrl } = await surroundings.world({ limiter: "off", tls: false });
  const others = await peers(options.peers, options.cache, upstreamUrl, tell);
  return {
    scenarios,
    variants: [...VARIANTS, ...others.variants],
    peers: others.variants.map(({ name }) => name),
    versions: others.versions,
    notRun: [...notRun, ...others.notRun],
  };
}

/** What asks nothing of the upstream and nothing of the limiter, with the one gateway that runs already. */
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
      `none of these scenarios can be asked of a gateway that runs already, in ${dialects.join(" or ")}; there are ${names}`,
    );
  }
  return { scenarios, variants: [against({ url, key, dialects })], peers: [], versions: {}, notRun: [] };
}
