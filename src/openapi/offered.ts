import type { Config } from "../contract/config.ts";
import type { UpstreamDialect } from "../contract/dialect.ts";

export interface OfferedModel {
  dialect: UpstreamDialect;
  name: string;
  /** Never empty. */
  regions: [string, ...string[]];
}

/** The public part of a configuration. */
export interface Offered {
  /** Regions of all upstreams, as a 404 lists them. */
  regions: readonly string[];
  /** The shared models, in the order of the configuration. A workspace's own models are listed only by `/models`, for its keys. */
  models: readonly OfferedModel[];
}

export function offeredBy({ upstreams, models, workspaces }: Config): Offered {
  const all = [upstreams, ...Object.values(workspaces).map((workspace) => workspace.upstreams)].flatMap((record) => Object.values(record));
  const byKey = new Map<string, OfferedModel>();
  for (const [name, { targets }] of Object.entries(models)) {
    for (const target of targets) {
      const upstream = upstreams[target.upstream];
      if (upstream === undefined) continue;
      const { dialect, region } = upstream;
      const known = byKey.get(`${dialect} ${name}`);
      if (known === undefined) byKey.set(`${dialect} ${name}`, { dialect, name, regions: [region] });
      else if (!known.regions.includes(region)) known.regions.push(region);
    }
  }
  return { regions: [...new Set(all.map(({ region }) => region))].sort(), models: [...byKey.values()] };
}
