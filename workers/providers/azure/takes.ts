/** What the model of a target takes: the front's table and the configuration, changed by Azure's refusals since. */
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { isReasoningModel } from "./models.ts";

export interface Takes {
  /** The model's name in the catalogue; "" where it is not there. */
  readonly model: string;
  /** Names of fields that the model takes, as in `src/providers/azure/takes.ts`. */
  readonly fields: ReadonlySet<string>;
  /** False: only the model's names can show which kind it is. */
  readonly isKnown: boolean;
  /** Fields to leave out: `name` of the top level, `input.name` of an item. */
  readonly without: readonly string[];
  /** Fields that Azure wants under another name. */
  readonly rename: Readonly<Record<string, string>>;
}

const compiled = new WeakMap<AzureAccepts, Takes>();
const NO_NAMES: Readonly<Record<string, string>> = {};

/** To be called once for each target. */
export function takesOf(accepts: AzureAccepts): Takes {
  let takes = compiled.get(accepts);
  if (takes === undefined) {
    const { model = "", fields, isKnown, without } = accepts;
    takes = { model, fields: new Set(fields), isKnown, without, rename: NO_NAMES };
    compiled.set(accepts, takes);
  }
  return takes;
}

/** Whether a model reasons. `names`: the client's and the deployment's, which may show it where the table does not. */
export function reasons({ fields, isKnown }: Takes, ...names: string[]): boolean {
  return isKnown ? fields.has("reasoning") : isReasoningModel(...names);
}

/** Whether the limit of an answer has its older name. */
export function takesMaxTokens({ fields, isKnown, rename }: Takes, ...names: string[]): boolean {
  if (rename.max_tokens !== undefined) return false;
  return isKnown ? fields.has("max_tokens") : !isReasoningModel(...names);
}
