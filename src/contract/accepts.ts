/**
 * What a model takes at one kind of cloud: plain JSON. `src/providers` makes it for each target, from the provider's table and the configuration; the files
 * of the same provider in `workers/providers` read it. Both use the provider's type for it, which is in `src/providers/NAME/takes.ts`.
 */
export type Accepts = object;

/** Names that the configuration adds to a table, and names that it removes. */
export interface AcceptsEdits {
  betas: { add: readonly string[]; remove: readonly string[] };
  fields: { add: readonly string[]; remove: readonly string[] };
}
