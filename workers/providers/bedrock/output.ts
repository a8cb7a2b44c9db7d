/**
 * How the model is to think and to write: `thinking`, `output_config` and its older name. A member that cannot be left out without a change of meaning
 * is refused.
 */
import type { ByteText } from "../../../src/contract/bytes.ts";
import { editMembers, members, memberValue, stringValue } from "../../../src/contract/json.ts";
import { refusal } from "../failure.ts";
import { type Dropped, type Takes, whose } from "./takes.ts";

export const STRUCTURED = "structured-outputs-2025-11-13";

/**
 * `thinking`, or undefined where it turns thinking off and the model has none. The refusals contain Bedrock's own words: agents look for those words,
 * and then ask in the other way.
 */
export function editThinking(thinking: ByteText, takes: Takes): ByteText | undefined {
  const type = stringValue(memberValue(thinking, "type") ?? "");
  const [canBudget, canAdapt] = [takes.fields.has("thinking.enabled"), takes.fields.has("thinking.adaptive")];
  if (type === "enabled" && !canBudget) {
    if (!canAdapt) throw refusal("thinking", `${whose(takes)} has no extended thinking. thinking: Extra inputs are not permitted`);
    const instead = 'Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.';
    throw refusal("thinking.type", `"thinking.type.enabled" is not supported for this model. ${instead} (${whose(takes)})`);
  }
  if (type === "adaptive" && !canAdapt) {
    if (!canBudget) throw refusal("thinking", `${whose(takes)} has no extended thinking. thinking: Extra inputs are not permitted`);
    throw refusal(
      "thinking.type",
      `adaptive thinking is not supported on this model (${whose(takes)}); use "enabled" with "budget_tokens"`,
    );
  }
  return type === "disabled" && !canBudget && !canAdapt ? undefined : thinking;
}

/** `output_config` without what the model does not take; undefined where nothing is left of it. */
export function editOutput(config: ByteText, takes: Takes, dropped: Dropped): ByteText | undefined {
  if (!config.startsWith("{")) return config === "null" ? undefined : config;
  const all = members(config);
  const remove: string[] = [];
  for (const { key, start, end } of all) {
    const value = config.slice(start, end);
    const name = `output_config.${key}`;
    if (key === "format") {
      if (value !== "null" && !takes.fields.has(name)) throw refusal(name, noSchema(takes));
      if (value === "null") remove.push(key);
    } else if (key === "effort") {
      const level = stringValue(value);
      if (takes.fields.has(name) && (level === undefined || takes.efforts.has(level))) continue;
      remove.push(key);
      if (value !== "null") dropped.add(name);
    } else if (takes.without.has(name)) {
      remove.push(key);
      dropped.add(name);
    }
  }
  if (remove.length === 0) return all.length === 0 ? undefined : config;
  return remove.length === all.length ? undefined : editMembers(config, { remove }, all);
}

/** Checks the older name of `output_config.format`. @throws GatewayError `invalid_request` */
export function checkFormat(format: ByteText, takes: Takes): void {
  if (format !== "null" && !takes.fields.has("output_config.format")) throw refusal("output_format", noSchema(takes));
}

function noSchema(takes: Takes): string {
  return `${whose(takes)} takes no schema for its answer on AWS Bedrock, and would not keep to it; use a tool with that schema and force it with tool_choice`;
}
