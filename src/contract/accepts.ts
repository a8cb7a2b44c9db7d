/**
 * What a model takes at one kind of cloud, as its provider's table and the configuration have it: plain JSON, made by `src/providers` for each target
 * and read by the files of the same provider in `workers/providers`. Both use the type that the provider has for it in `src/providers/NAME/takes.ts`.
 */
export type Accepts = object;

/** What the configuration adds to a table, and takes from it. */
export interface AcceptsEdits {
  betas: { add: readonly string[]; remove: readonly string[] };
  fields: { add: readonly string[]; remove: readonly string[] };
}

/** Names with what was added and without what was taken away; the last of `edits` decides. */
export function edited(names: Iterable<string>, edits: readonly { add: readonly string[]; remove: readonly string[] }[]): string[] {
  const all = new Set(names);
  for (const { add, remove } of edits) {
    for (const name of add) all.add(name);
    for (const name of remove) all.delete(name);
  }
  return [...all];
}
