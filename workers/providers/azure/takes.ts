/** What the model of a target takes: the front's table and the configuration, changed by Azure's refusals since. */
import { GatewayError } from "../../../src/contract/errors.ts";
import type { AzureAccepts } from "../../../src/providers/azure/takes.ts";
import { remembered } from "../../remembered.ts";
import type { Job } from "../provider.ts";

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

/** How the names of an item's members begin in `Takes.without`. */
export const OF_ITEM = "input.";

const compiled = new WeakMap<AzureAccepts, Takes>();
const NO_NAMES: Readonly<Record<string, string>> = {};

/** Makes the form for requests, once for each target. */
export function takesOf(accepts: AzureAccepts): Takes {
  let takes = compiled.get(accepts);
  if (takes === undefined) {
    const { model = "", fields, isKnown, without } = accepts;
    takes = { model, fields: new Set(fields), isKnown, without, rename: NO_NAMES };
    compiled.set(accepts, takes);
  }
  return takes;
}

/**
 * Names of models that reason. Their answers include hidden reasoning, so they refuse `max_tokens` and take `max_completion_tokens` in its place.
 * All older models take both names, so a false match does no harm. Source: learn.microsoft.com, "Azure OpenAI reasoning models".
 */
const REASONING: readonly RegExp[] = [
  /** o1, o3-mini, o4-mini, o1-preview; not the o200k of a tokenizer or the 4o of gpt-4o. */
  /(?:^|[^a-z0-9])o[1-9](?![a-z0-9])/,
  /** gpt-5, gpt-5-mini, gpt-5.1, and gpt5 as a deployment may be named; not gpt-50. */
  /(?:^|[^a-z0-9])gpt-?5(?![0-9])/,
];

const namesReasoning = remembered((name) => REASONING.some((family) => family.test(name.toLowerCase())));

/** Whether a model reasons. `names`: the client's and the deployment's, which may show it where the table does not. */
export function reasons({ fields, isKnown }: Takes, ...names: string[]): boolean {
  return isKnown ? fields.has("reasoning") : names.some(namesReasoning);
}

/** Whether the limit of an answer has its older name. `names`: as of `reasons`. */
export function takesMaxTokens({ fields, isKnown, rename }: Takes, ...names: string[]): boolean {
  if (rename.max_tokens !== undefined) return false;
  return isKnown ? fields.has("max_tokens") : !names.some(namesReasoning);
}

/** The two routes. A model may have only one of them. */
const ROUTES = {
  "routes.chat": { name: "chat completions", instead: "the Responses API: send it to …/v1/responses" },
  "routes.responses": { name: "the Responses API", instead: "chat completions: send it to …/v1/chat/completions" },
} as const;

/** @throws GatewayError `invalid_request` that names the other route, where the model does not have this one */
export function requireRoute(job: Job, { fields, isKnown }: Takes, route: keyof typeof ROUTES): void {
  if (isKnown && !fields.has(route)) throw wrongRoute(job.model, route);
}

/** @param said - Azure's own words about it; "" where the table says it. */
export function wrongRoute(model: string, route: keyof typeof ROUTES, said = ""): GatewayError {
  const { name, instead } = ROUTES[route];
  return new GatewayError("invalid_request", {
    message: `model: ${model} is not served by ${name}, but by ${instead}${said && ` (${said})`}`,
    param: "model",
  });
}
