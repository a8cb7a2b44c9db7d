/** A body as InvokeModel would take or refuse it for Anthropic's models: wire.md §1.5, §1.12, §3.3. Refusals are in the service's words. */
import { validation } from "./aws-error.ts";
import { checkMessages } from "./bedrock-messages.ts";
import type { BedrockModel } from "./bedrock-models.ts";
import { isObject, type JsonObject, objects } from "./json.ts";

const VERSION = "bedrock-2023-05-31";

const FIELDS: ReadonlySet<string> = new Set(
  "anthropic_version anthropic_beta messages max_tokens system stop_sequences metadata temperature top_p top_k tools tool_choice thinking user_profile_id cache_control".split(
    " ",
  ),
);
/** Fields that any one of these flags opens. */
const BETA_FIELDS: Readonly<Record<string, readonly string[]>> = {
  context_management: ["context-management-2025-06-27", "compact-2026-01-12"],
  output_config: ["structured-outputs-2025-11-13", "effort-2025-11-24"],
  output_format: ["structured-outputs-2025-11-13"],
};
/** Taken without a flag by now. Source: docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html; anthropics/anthropic-sdk-python#1759. */
const FIRST_WITH_OUTPUT_CONFIG = 4.5;
/** wire.md §1.5: the flags that Bedrock takes, with effect or without; one other flag fails the request. */
const BETAS: ReadonlySet<string> = new Set([
  "interleaved-thinking-2025-05-14",
  "context-management-2025-06-27",
  "compact-2026-01-12",
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "context-1m-2025-08-07",
  "structured-outputs-2025-11-13",
  "token-efficient-tools-2025-02-19",
  "effort-2025-11-24",
  "tool-examples-2025-10-29",
  "tool-search-tool-2025-10-19",
  "fine-grained-tool-streaming-2025-05-14",
  "pdfs-2024-09-25",
  "output-128k-2025-02-19",
  "token-counting-2024-11-01",
  "mcp-client-2025-11-20",
  "web-search-2025-03-05",
]);
/** Newer models took over the direct API's wording. */
const FIRST_WITH_NEW_WORDS = 3.7;
const FIRST_WITH_ONE_SAMPLER = 4.5;
const FIRST_WITH_ADAPTIVE_ONLY = 4.7;
const LAST_WITHOUT_ADAPTIVE = 4.5;
const MOST_CACHE_MARKS = 4;

/** @throws AwsError 400 */
export function checkBody(body: unknown, model: BedrockModel): asserts body is JsonObject {
  if (!isObject(body)) throw validation("Malformed input request: #: expected type: JSONObject, please reformat your input and try again.");
  checkFields(body, model);
  if (body.anthropic_version === undefined) throw validation("anthropic_version: Field required");
  if (body.anthropic_version !== VERSION) throw validation(`anthropic_version: Input should be '${VERSION}'`);
  integer(body, "max_tokens", 0, true);
  checkMessages(body, model);
  checkSystem(body.system);
  range(body, "temperature", 0, 1);
  range(body, "top_p", 0, 1);
  integer(body, "top_k", 0, false);
  if (model.version >= FIRST_WITH_ONE_SAMPLER && body.temperature !== undefined && body.top_p !== undefined) {
    throw validation("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
  }
  checkStops(body.stop_sequences);
  checkTools(body);
  checkThinking(body, model);
  if (body.metadata !== undefined && !isObject(body.metadata)) throw validation("metadata: Input should be a valid dictionary");
  const marks = countMarks(body);
  if (marks > MOST_CACHE_MARKS)
    throw validation(`A maximum of ${MOST_CACHE_MARKS} blocks with cache_control may be provided. Found ${marks}.`);
}

function checkFields(body: JsonObject, model: BedrockModel): void {
  const betas = body.anthropic_beta ?? [];
  if (!Array.isArray(betas)) throw validation("anthropic_beta: Input should be a valid list");
  for (const beta of betas) if (typeof beta !== "string" || !BETAS.has(beta)) throw validation("invalid beta flag");
  for (const field of Object.keys(body)) {
    if (FIELDS.has(field)) continue;
    if (field === "output_config" && model.version >= FIRST_WITH_OUTPUT_CONFIG) continue;
    if (Object.hasOwn(BETA_FIELDS, field) && BETA_FIELDS[field]?.some((beta) => betas.includes(beta))) continue;
    if (model.version >= FIRST_WITH_NEW_WORDS) throw validation(`${field}: Extra inputs are not permitted`);
    if (field === "model" || field === "stream") {
      throw validation(`Malformed input request: #: extraneous key [${field}] is not permitted, please reformat your input and try again.`);
    }
    throw validation(`${field}: Extra inputs are not permitted`);
  }
}

function integer(body: JsonObject, field: string, least: number, isRequired: boolean): void {
  const value = body[field];
  if (value === undefined && !isRequired) return;
  if (value === undefined) throw validation(`${field}: Field required`);
  if (typeof value !== "number" || !Number.isInteger(value)) throw validation(`${field}: Input should be a valid integer`);
  if (value < least) throw validation(`${field}: Input should be greater than or equal to ${least}`);
}

function range(body: JsonObject, field: string, least: number, most: number): void {
  const value = body[field];
  if (value === undefined) return;
  if (typeof value !== "number") throw validation(`${field}: Input should be a valid number`);
  if (value < least) throw validation(`${field}: Input should be greater than or equal to ${least}`);
  if (value > most) throw validation(`${field}: range: ${least}..${most}`);
}

function checkSystem(system: unknown): void {
  if (system === undefined || typeof system === "string") return;
  if (!Array.isArray(system)) throw validation("system: Input should be a valid list");
  for (const [index, block] of system.entries()) {
    if (!isObject(block) || block.type !== "text") throw validation(`system.${index}.type: Input should be 'text'`);
    if (typeof block.text !== "string" || block.text === "") throw validation("system: text content blocks must be non-empty");
  }
}

function checkStops(stops: unknown): void {
  if (stops === undefined) return;
  if (!Array.isArray(stops)) throw validation("stop_sequences: Input should be a valid list");
  for (const [index, stop] of stops.entries()) {
    if (typeof stop !== "string") throw validation(`stop_sequences.${index}: Input should be a valid string`);
    if (stop.trim() === "") throw validation("stop_sequences: each stop sequence must contain non-whitespace");
  }
}

function checkTools(body: JsonObject): void {
  const { tools, tool_choice: choice } = body;
  if (tools !== undefined && !Array.isArray(tools)) throw validation("tools: Input should be a valid list");
  for (const [index, tool] of objects(tools).entries()) {
    // Tools with a type of their own (bash, text_editor …) bring their schema with them.
    const isCustom = tool.type === undefined || tool.type === "custom";
    if (typeof tool.name !== "string" || !/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) {
      throw validation(`tools.${index}.${isCustom ? "custom." : ""}name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`);
    }
    if (isCustom && !isObject(tool.input_schema)) throw validation(`tools.${index}.custom.input_schema: Field required`);
    if (isCustom && isObject(tool.input_schema) && tool.input_schema.type !== "object")
      throw validation(`tools.${index}.custom.input_schema.type: Input should be 'object'`);
  }
  if (choice === undefined) return;
  if (!isObject(choice) || typeof choice.type !== "string" || !["auto", "any", "tool", "none"].includes(choice.type)) {
    throw validation("tool_choice: Input tag does not match any of the expected tags: 'any', 'auto', 'none', 'tool'");
  }
  if (objects(tools).length === 0 && choice.type !== "none") throw validation("tool_choice may only be specified while providing tools.");
  if (choice.type === "tool" && !objects(tools).some((tool) => tool.name === choice.name))
    throw validation(`Tool '${String(choice.name)}' not found in provided tools`);
}

function checkThinking(body: JsonObject, model: BedrockModel): void {
  const { thinking } = body;
  if (thinking === undefined) return;
  if (
    !isObject(thinking) ||
    typeof thinking.type !== "string" ||
    !["enabled", "disabled", "adaptive", "between_tools"].includes(thinking.type)
  ) {
    throw validation("thinking: Input tag does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'");
  }
  if (thinking.type === "adaptive" && model.version <= LAST_WITHOUT_ADAPTIVE)
    throw validation("adaptive thinking is not supported on this model");
  if (thinking.type !== "enabled") return;
  if (model.version >= FIRST_WITH_ADAPTIVE_ONLY)
    throw validation('"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" instead.');
  if (model.version < FIRST_WITH_NEW_WORDS) throw validation("thinking: Extra inputs are not permitted");
  const budget = thinking.budget_tokens;
  if (typeof budget !== "number" || !Number.isInteger(budget)) throw validation("thinking.enabled.budget_tokens: Field required");
  if (budget < 1024) throw validation("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
  if (typeof body.max_tokens === "number" && body.max_tokens <= budget)
    throw validation("`max_tokens` must be greater than `thinking.budget_tokens`.");
  if (body.temperature !== undefined && body.temperature !== 1)
    throw validation("`temperature` may only be set to 1 when thinking is enabled.");
}

function countMarks(body: JsonObject): number {
  const marked = (blocks: unknown): number => objects(blocks).filter((block) => isObject(block.cache_control)).length;
  let count = marked(body.system) + marked(body.tools);
  for (const message of objects(body.messages)) count += marked(message.content);
  return count;
}
