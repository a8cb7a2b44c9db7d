/** Names of models: each must be unique, and an alias is a second name of a model. */
import type { ModelFacts, Target } from "../contract/config.ts";
import type { ResolveContext } from "./context.ts";
import type { Path } from "./problems.ts";
import { shown } from "./shown.ts";

interface Named {
  aliases?: string[];
}

/**
 * Adds every alias to `models`, as a copy of the model's entry.
 * @param settings - the models of the file. An entry without targets is a shared model with other limits, and gets no aliases from the catalogue here.
 */
export function addAliases<Model extends ModelFacts & { targets: Target[] | undefined }>(
  models: Record<string, Model>,
  settings: Readonly<Record<string, Named>>,
  path: Path,
  context: ResolveContext,
): void {
  const owners = new Map(Object.keys(settings).map((name) => [name, name]));
  const add = (alias: string, name: string): void => {
    const model = models[name];
    owners.set(alias, name);
    if (model !== undefined) models[alias] = { ...model, aliasOf: name };
  };
  for (const [name, { aliases = [] }] of Object.entries(settings)) {
    for (const [index, alias] of aliases.entries()) {
      const at = [...path, name, "aliases", String(index)];
      const owner = owners.get(alias);
      if (owner === undefined) add(alias, name);
      else context.problems.push({ path: at, text: `expected a name that is not taken, got one that already means ${shown(owner)}` });
    }
  }
  checkNames([...owners.keys()], path, context);
  for (const name of Object.keys(settings)) {
    if (models[name]?.targets === undefined) continue;
    for (const alias of context.catalogue.aliasesOf(name)) if (!owners.has(alias)) add(alias, name);
  }
}

/** Refuses names that differ only by capitals, and the name that metrics use for unknown models. */
function checkNames(names: readonly string[], path: Path, context: ResolveContext): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const before = seen.get(name.toLowerCase());
    if (before !== undefined)
      context.problems.push({
        path: [...path, name],
        text: `expected names that differ by more than capital letters, got ${shown(before)} and ${shown(name)}`,
      });
    if (name === "other")
      context.problems.push({ path: [...path, name], text: 'expected another name, got "other", which metrics use for unknown models' });
    seen.set(name.toLowerCase(), name);
  }
}
