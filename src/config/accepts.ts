/** What models take: the changes that the configuration makes to a provider's table, and the model's name in that table. */
import type { Accepts, AcceptsEdits } from "../contract/accepts.ts";
import type { Upstream } from "../contract/config.ts";
import { providers } from "../providers/index.ts";
import type { ProviderSettings } from "../providers/provider.ts";
import type { Catalogue } from "./catalogue.ts";
import type { ResolveContext } from "./context.ts";
import { didYouMean, type Path } from "./problems.ts";
import type { AcceptsSettings } from "./schema/accepts.ts";
import { shown } from "./shown.ts";

export type ModelAccepts = ({ as?: string } & AcceptsSettings) | undefined;

/** A field that a provider's table does not know cannot be let through: the table does not say what the field needs. */
export function editsOf({ betas, fields }: AcceptsSettings, provider: ProviderSettings, path: Path, context: ResolveContext): AcceptsEdits {
  const known = provider.fields;
  for (const [index, name] of (fields?.add ?? []).entries()) {
    if (known.includes(name)) continue;
    context.problems.push({
      path: [...path, "fields", "add", String(index)],
      text: `expected a field of ${provider.name}'s table, got ${shown(name)}${didYouMean(name, known)}; there are ${known.join(", ")}`,
    });
  }
  return {
    betas: { add: betas?.add ?? [], remove: betas?.remove ?? [] },
    fields: { add: fields?.add ?? [], remove: fields?.remove ?? [] },
  };
}

/**
 * What the model takes at a target.
 * @param name - the name that clients use
 */
export function acceptsOf(
  name: string,
  target: string,
  upstream: Upstream,
  settings: ModelAccepts,
  path: Path,
  context: ResolveContext,
): Accepts {
  const provider = providers.get(upstream.provider);
  if (provider === undefined) return {};
  if (settings?.as !== undefined && nameIn(context.catalogue, settings.as, upstream.provider) === undefined) {
    const names = [...context.catalogue.entries.values()]
      .filter((entry) => entry.provider === upstream.provider)
      .map((entry) => entry.name);
    const text = `expected the catalogue's name of a model of ${upstream.provider}, got ${shown(settings.as)}${didYouMean(settings.as, names)}`;
    context.problems.push({ path: [...path, "accepts", "as"], text });
  }
  const edits = [upstream.accepts, settings && editsOf(settings, provider, [...path, "accepts"], context)].filter(
    (each) => each !== undefined,
  );
  return one(provider.accepts(modelAt(name, target, upstream.provider, settings?.as, context.catalogue), edits, upstream.settings));
}

/** Equal values share one object: there may be thousands of targets, and only a few different values. */
const kinds = new Map<string, Accepts>();
const MOST_KINDS = 1_000;

function one(accepts: Accepts): Accepts {
  const text = JSON.stringify(accepts);
  const known = kinds.get(text);
  if (known !== undefined) return known;
  if (kinds.size >= MOST_KINDS) kinds.clear();
  kinds.set(text, accepts);
  return accepts;
}

/**
 * The catalogue's name of the model at a target. The first of these decides: `accepts.as`, the vendor's own id, the name that clients use, the name of
 * the deployment.
 */
function modelAt(name: string, target: string, provider: string, as: string | undefined, catalogue: Catalogue): string | undefined {
  if (as !== undefined) return nameIn(catalogue, as, provider);
  const byTarget = catalogue.byUpstreamModel(target);
  const found = byTarget?.provider === provider ? byTarget : undefined;
  if (found?.regions !== undefined) return found.name;
  return nameIn(catalogue, name, provider) ?? found?.name;
}

function nameIn(catalogue: Catalogue, name: string, provider: string): string | undefined {
  const entry = catalogue.entries.get(name);
  return entry?.provider === provider ? (entry.aliasOf ?? entry.name) : undefined;
}
