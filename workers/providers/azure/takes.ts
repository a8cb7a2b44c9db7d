/** What the model of a target takes, as the front's table and the configuration have it, and as Azure has taught since. */
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { isReasoningModel } from "./models.ts";

export interface Takes {
  /** Its name in the catalogue; "" where it is not there. */
  readonly model: string;
  /** The names of `src/providers/azure/takes.ts`. */
  readonly fields: ReadonlySet<string>;
  /** False: the names of the model have to tell what kind it is. */
  readonly isKnown: boolean;
  /** Fields that go: `name` of the top level, `input.name` of an item. */
  readonly without: readonly string[];
  /** Fields that have another name, as Azure has said. */
  readonly rename: Readonly<Record<string, string>>;
}

const compiled = new WeakMap<AzureAccepts, Takes>();
const NO_NAMES: Readonly<Record<string, string>> = {};

/** Made once for each target. */
export function takesOf(accepts: AzureAccepts): Takes {
  let takes = compiled.get(accepts);
  if (takes === undefined) {
    const { model = "", fields, isKnown, without } = accepts;
    takes = { model, fields: new Set(fields), isKnown, without, rename: NO_NAMES };
    compiled.set(accepts, takes);
  }
  return takes;
}

/** Whether a model thinks. `names`: the client's and the deployment's, which may tell where the table does not. */
export function reasons({ fields, isKnown }: Takes, ...names: string[]): boolean {
  return isKnown ? fields.has("reasoning") : isReasoningModel(...names);
}

/** Whether the limit of an answer goes by its older name. */
export function takesMaxTokens({ fields, isKnown, rename }: Takes, ...names: string[]): boolean {
  if (rename.max_tokens !== undefined) return false;
  return isKnown ? fields.has("max_tokens") : !isReasoningModel(...names);
}
