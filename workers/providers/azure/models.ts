/** Differences among Azure's models that their names show. */
import { remembered } from "../../remembered.ts";

/**
 * Families that refuse `max_tokens` and take `max_completion_tokens` in its place, because their answers include hidden reasoning.
 * All older families take both names, so a false match does no harm. Source: `wire.md` §2.9.
 */
const REASONING: readonly RegExp[] = [
  /** o1, o3-mini, o4-mini, o1-preview; not the o200k of a tokenizer or the 4o of gpt-4o. */
  /(?:^|[^a-z0-9])o[1-9](?![a-z0-9])/,
  /** gpt-5, gpt-5-mini, gpt-5.1, and gpt5 as a deployment may be named; not gpt-50. */
  /(?:^|[^a-z0-9])gpt-?5(?![0-9])/,
];

const isReasoning = remembered((name) => REASONING.some((family) => family.test(name.toLowerCase())));

/** `names`: all names of one model: the client's (which is the catalogue's) and the deployment's. */
export function isReasoningModel(...names: string[]): boolean {
  return names.some(isReasoning);
}
