/** Other gateways, each installed by its ordinary client into a cache folder. */
import type { Peers } from "../variant.ts";

/** `cacheFolder` outlives the run; the upstream's address is in the world that each variant is started with. */
export async function peers(names: readonly string[], _cacheFolder: string): Promise<Peers> {
  return { variants: [], notRun: names.map((name) => ({ what: name, why: "no such peer" })) };
}
