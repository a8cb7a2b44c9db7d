/** Checks the tools of a body, and its choice of a tool. Sources: see `check.ts` and `rules.ts`. */
import { isObject } from "../../contract/objects.ts";
import { type JsonObject, objects } from "../json.ts";
import { checkMark } from "./cache.ts";
import { onlyMembers, validation } from "./errors.ts";
import type { Rules } from "./rules.ts";

/** Anthropic's own tools: a pattern for their types, and the flags of which a request needs one. Other types are refused. */
const VENDOR_TOOLS: readonly [RegExp, readonly string[]][] = [
  [/^(?:bash|text_editor|computer)_2025(?:0124|0429|0728)$/, ["computer-use-2025-01-24"]],
  [/^computer_20251124$/, ["computer-use-2025-11-24"]],
  [/^memory_20250818$/, ["context-management-2025-06-27"]],
  [/^tool_search_tool_(?:regex|bm25)_20251119$/, ["tool-search-tool-2025-10-19"]],
];

/** @throws Refusal 400 for tools that the service refuses */
export function checkTools(body: JsonObject, rules: Rules, betas: readonly string[]): void {
  const { tools, tool_choice: choice } = body;
  if (tools !== undefined && !Array.isArray(tools)) throw validation("tools: Input should be a valid list");
  for (const [index, tool] of objects(tools).entries()) {
    // A tool with another type (bash, text_editor …) has a schema that the model knows, and sends none.
    const isCustom = tool.type === undefined || tool.type === null || tool.type === "custom";
    const place = `tools.${index}.${isCustom ? "custom" : String(tool.type)}`;
    if (typeof tool.name !== "string" || !/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) {
      throw validation(`tools.${index}.${isCustom ? "custom." : ""}name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (isCustom) checkCustom(tool, place, rules, betas);
    else checkVendor(String(tool.type), index, betas);
    checkMark(tool.cache_control, place, rules);
  }
  if (choice === undefined) return;
  if (!isObject(choice) || typeof choice.type !== "string" || !["auto", "any", "tool", "none"].includes(choice.type)) {
    throw validation("tool_choice: Input tag does not match any of the expected tags: 'any', 'auto', 'none', 'tool'");
  }
  if (objects(tools).length === 0 && choice.type !== "none") throw validation("tool_choice may only be specified while providing tools.");
  if (choice.type === "tool" && !objects(tools).some((tool) => tool.name === choice.name))
    throw validation(`Tool '${String(choice.name)}' not found in provided tools`);
}

function checkCustom(tool: JsonObject, place: string, rules: Rules, betas: readonly string[]): void {
  if (!isObject(tool.input_schema)) throw validation(`${place}.input_schema: Field required`);
  if (tool.input_schema.type !== "object") throw validation(`${place}.input_schema.type: Input should be 'object'`);
  const members = ["type", "name", "description", "input_schema", "cache_control"];
  if (rules.strict) members.push("strict");
  if (betas.includes("tool-search-tool-2025-10-19")) members.push("defer_loading");
  if (betas.includes("tool-examples-2025-10-29")) members.push("input_examples");
  onlyMembers(tool, members, place);
}

function checkVendor(type: string, index: number, betas: readonly string[]): void {
  const needed = VENDOR_TOOLS.find(([pattern]) => pattern.test(type))?.[1];
  if (needed?.some((beta) => betas.includes(beta))) return;
  throw validation(
    `tools.${index}: Input tag '${type}' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728'`,
  );
}
