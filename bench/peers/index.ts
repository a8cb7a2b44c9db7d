/** Other gateways, each installed by its ordinary client into a cache folder. */
import type { Peers } from "../variant.ts";

/** `cacheFolder` outlives the run; `upstreamUrl` is the stand-in over plain HTTP. */
export async function peers(names: readonly string[], _cacheFolder: string, _upstreamUrl: string): Promise<Peers> {
  return { variants: [], notRun: names.map((name) => ({ what: name, why: "no such peer" })) };
}
