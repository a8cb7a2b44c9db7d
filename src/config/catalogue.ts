import type { KnownModels } from "../catalogue.ts";
import type { ModelFacts } from "../contract/config.ts";

/** A model that Weir knows without configuration; `src/catalogue.ts` explains the fields. Each alias has an entry too. */
export interface CatalogueEntry extends ModelFacts {
  name: string;
  provider: string;
  /** Region → the upstream's name there; undefined: `name`, in any region. */
  regions: Readonly<Record<string, string>> | undefined;
  /** Milliseconds since 1970 from which its upstream no longer serves it; 0 where the day is not known. */
  retiredAtMs: number | undefined;
}

export interface Catalogue {
  entries: ReadonlyMap<string, CatalogueEntry>;
  /** The entry for the name that an upstream has for a model, whatever name the operator gives the model. */
  byUpstreamModel(model: string): CatalogueEntry | undefined;
  /** The aliases of a model; none where `name` is an alias or is not in the catalogue. */
  aliasesOf(name: string): readonly string[];
}

/** @throws Error where a name occurs twice. */
export function readCatalogue(known: KnownModels): Catalogue {
  const entries = new Map<string, CatalogueEntry>();
  const upstreamModels = new Map<string, CatalogueEntry>();
  const further = new Map<string, readonly string[]>();
  for (const [provider, models] of Object.entries(known)) {
    for (const [name, { aliases = [], created, retired, family, regions }] of Object.entries(models)) {
      const entry: CatalogueEntry = {
        name,
        provider,
        family,
        regions,
        aliasOf: undefined,
        created: created === undefined ? 0 : Date.parse(created) / 1000,
        retiredAtMs: retired === undefined ? undefined : retired === true ? 0 : Date.parse(retired),
      };
      further.set(name, aliases);
      for (const alias of [name, ...aliases]) {
        if (entries.has(alias)) throw new Error(`the catalogue: "${alias}" occurs twice`);
        entries.set(alias, alias === name ? entry : { ...entry, name: alias, aliasOf: name });
      }
      for (const upstreamModel of Object.values(regions ?? { any: name })) upstreamModels.set(bareName(upstreamModel), entry);
    }
  }
  return { entries, byUpstreamModel: (model) => upstreamModels.get(bareName(model)), aliasesOf: (name) => further.get(name) ?? [] };
}

/** `eu.vendor.model` and `arn:…/eu.vendor.model` are the same model as `vendor.model`. */
function bareName(upstreamModel: string): string {
  return upstreamModel.replace(/^arn:[^/]*\//, "").replace(/^[a-z-]+\.(?=[a-z0-9-]+\.[a-z])/, "");
}
