import { isObject } from "../../contract/objects.ts";
import { type AwsError, validation } from "./errors.ts";
import type { BedrockRules } from "./rules.ts";
import type { JsonObject } from "../json.ts";

/** The refusal of a member that the service does not know, or does not allow for this model. */
export function extra(place: string): AwsError {
  return validation(`${place}: Extra inputs are not permitted`);
}

/** @throws AwsError 400 where an object has any other member */
export function onlyMembers(object: JsonObject, names: readonly string[], place: string): void {
  for (const name of Object.keys(object)) if (!names.includes(name)) throw extra(`${place}.${name}`);
}

/** Checks a `cache_control` at a place of the body. @throws AwsError 400 */
export function checkMark(mark: unknown, place: string, { cache }: BedrockRules): void {
  if (mark === undefined || mark === null) return;
  const here = `${place}.cache_control`;
  if (cache === "no") throw extra(here);
  if (!isObject(mark) || mark.type !== "ephemeral")
    throw validation(`${here}: Input tag does not match any of the expected tags: 'ephemeral'`);
  onlyMembers(mark, cache === "lifetimes" ? ["type", "ttl"] : ["type"], `${here}.ephemeral`);
  if (mark.ttl !== undefined && mark.ttl !== "5m" && mark.ttl !== "1h")
    throw validation(`${here}.ephemeral.ttl: Input should be '5m' or '1h'`);
}
