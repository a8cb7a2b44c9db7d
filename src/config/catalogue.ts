import { Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { parse } from "yaml";
import type { ModelFacts, TokenizerFamily } from "../contract/config.ts";

/** A model that Weir knows without configuration; the head of `catalogue.yaml` explains the fields. Each alias has an entry too. */
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

const DATE = Type.String({ pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" });

const schema = Type.Record(
  Type.String(),
  Type.Record(
    Type.String(),
    Type.Object(
      {
        regions: Type.Optional(Type.Record(Type.String(), Type.String({ minLength: 1 }))),
        created: Type.Optional(DATE),
        retired: Type.Optional(Type.Union([DATE, Type.Literal(true)])),
        family: Type.Unsafe<TokenizerFamily>(Type.Union(["claude-3", "claude-4.7", "o200k", "cl100k"].map((name) => Type.Literal(name)))),
        aliases: Type.Optional(Type.Array(Type.String({ minLength: 1 }))),
      },
      { additionalProperties: false },
    ),
  ),
);

/** @throws Error where the catalogue itself is wrong. */
export function readCatalogue(yaml: string): Catalogue {
  const content: unknown = parse(yaml);
  if (!Value.Check(schema, content)) {
    const first = Value.Errors(schema, content).First();
    throw new Error(`catalogue.yaml ${first?.path}: ${first?.message}`);
  }
  const entries = new Map<string, CatalogueEntry>();
  const upstreamModels = new Map<string, CatalogueEntry>();
  const further = new Map<string, readonly string[]>();
  for (const [provider, models] of Object.entries(content)) {
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
        if (entries.has(alias)) throw new Error(`catalogue.yaml: "${alias}" occurs twice`);
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
