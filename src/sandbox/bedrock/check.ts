/**
 * Checks a body as InvokeModel does for Anthropic's models, and refuses it in the service's own words. Sources: docs.aws.amazon.com, "Anthropic Claude
 * Messages API" (Bedrock); platform.claude.com/docs (pages about Bedrock); the types of @anthropic-ai/sdk 1.12; `rules.ts` for what differs by model.
 */
import { isObject } from "../../contract/objects.ts";
import type { JsonObject } from "../json.ts";
import type { Seal } from "../seal.ts";
import { checkMark, checkMarkCount } from "./cache.ts";
import { extra, onlyMembers, validation } from "./errors.ts";
import { checkMessages } from "./messages.ts";
import type { Model } from "./models.ts";
import { type Rules, rulesOf } from "./rules.ts";
import { checkTools } from "./tools.ts";

const VERSION = "bedrock-2023-05-31";

const FIELDS: ReadonlySet<string> = new Set(
  "anthropic_version anthropic_beta messages max_tokens system stop_sequences metadata temperature top_p top_k tools tool_choice thinking user_profile_id output_config amazon-bedrock-guardrailConfig".split(
    " ",
  ),
);
/** Fields that are allowed only with one of these flags. */
const BETA_FIELDS: Readonly<Record<string, readonly string[]>> = {
  context_management: ["context-management-2025-06-27", "compact-2026-01-12"],
  output_format: ["structured-outputs-2025-11-13"],
};
/** From this version on, refusals have the words of Anthropic's own API. */
const FIRST_WITH_NEW_WORDS = 3.7;

/** @throws Refusal 400 for a body that the service refuses */
export function checkBody(body: unknown, model: Model, seal: Seal): asserts body is JsonObject {
  if (!isObject(body)) throw validation("Malformed input request: #: expected type: JSONObject, please reformat your input and try again.");
  const rules = rulesOf(model.name);
  const betas = checkBetas(body.anthropic_beta, rules);
  checkFields(body, model, betas);
  if (body.anthropic_version === undefined) throw validation("anthropic_version: Field required");
  if (body.anthropic_version !== VERSION) throw validation(`anthropic_version: Input should be '${VERSION}'`);
  integer(body, "max_tokens", 0, true);
  checkMessages(body, model, rules, betas, seal);
  checkSystem(body.system, rules);
  range(body, "temperature", 0, 1);
  range(body, "top_p", 0, 1);
  integer(body, "top_k", 0, false);
  checkSampling(body, rules);
  checkStops(body.stop_sequences);
  checkTools(body, rules, betas);
  checkThinking(body, model, rules);
  checkOutput(body, rules);
  if (body.metadata !== undefined && !isObject(body.metadata)) throw validation("metadata: Input should be a valid dictionary");
  checkMarkCount(body);
}

/** A single flag that the model does not accept fails the request, and the refusal does not name the flag. */
function checkBetas(asked: unknown, rules: Rules): readonly string[] {
  const betas = asked ?? [];
  if (!Array.isArray(betas)) throw validation("anthropic_beta: Input should be a valid list");
  for (const beta of betas) if (typeof beta !== "string" || !rules.betas.has(beta)) throw validation("invalid beta flag");
  return betas;
}

function checkFields(body: JsonObject, model: Model, betas: readonly string[]): void {
  for (const field of Object.keys(body)) {
    if (FIELDS.has(field)) continue;
    if (Object.hasOwn(BETA_FIELDS, field) && BETA_FIELDS[field]?.some((beta) => betas.includes(beta))) continue;
    if (model.version >= FIRST_WITH_NEW_WORDS) throw extra(field);
    if (field === "model" || field === "stream") {
      throw validation(`Malformed input request: #: extraneous key [${field}] is not permitted, please reformat your input and try again.`);
    }
    throw extra(field);
  }
}

/** Models without sampling allow only the default values. */
function checkSampling(body: JsonObject, { sampling }: Rules): void {
  const { temperature, top_p: topP, top_k: topK } = body;
  if (sampling === "one" && temperature !== undefined && topP !== undefined)
    throw validation("`temperature` and `top_p` cannot both be specified for this model. Please use only one.");
  if (sampling !== "none") return;
  if (temperature !== undefined && temperature !== 1) throw validation("`temperature` is deprecated for this model.");
  if (topP !== undefined && topP !== 1) throw validation("`top_p` is deprecated for this model.");
  if (topK !== undefined) throw validation("`top_k` is deprecated for this model.");
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

function checkSystem(system: unknown, rules: Rules): void {
  if (system === undefined || typeof system === "string") return;
  if (!Array.isArray(system)) throw validation("system: Input should be a valid list");
  for (const [index, block] of system.entries()) {
    if (!isObject(block) || block.type !== "text") throw validation(`system.${index}.type: Input should be 'text'`);
    if (typeof block.text !== "string" || block.text === "") throw validation("system: text content blocks must be non-empty");
    onlyMembers(block, ["type", "text", "cache_control", "citations"], `system.${index}`);
    checkMark(block.cache_control, `system.${index}`, rules);
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

function checkThinking(body: JsonObject, model: Model, rules: Rules): void {
  const { thinking } = body;
  if (thinking === undefined) return;
  if (rules.thinking.length === 0) throw extra("thinking");
  if (
    !isObject(thinking) ||
    typeof thinking.type !== "string" ||
    !["enabled", "disabled", "adaptive", "between_tools"].includes(thinking.type)
  ) {
    throw validation("thinking: Input tag does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'");
  }
  if (thinking.type === "adaptive" && !rules.thinking.includes("adaptive"))
    throw validation("adaptive thinking is not supported on this model");
  if (thinking.type !== "enabled") return;
  if (!rules.thinking.includes("enabled")) {
    throw validation(
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    );
  }
  const budget = thinking.budget_tokens;
  if (typeof budget !== "number" || !Number.isInteger(budget)) throw validation("thinking.enabled.budget_tokens: Field required");
  if (budget < 1024) throw validation("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024");
  if (typeof body.max_tokens === "number" && body.max_tokens <= budget)
    throw validation("`max_tokens` must be greater than `thinking.budget_tokens`.");
  if (model.version >= FIRST_WITH_NEW_WORDS && body.temperature !== undefined && body.temperature !== 1)
    throw validation("`temperature` may only be set to 1 when thinking is enabled.");
}

function checkOutput({ output_config: config, output_format: format }: JsonObject, rules: Rules): void {
  if (format !== undefined && !rules.format) throw extra("output_format");
  if (config === undefined) return;
  if (!isObject(config)) throw validation("output_config: Input should be a valid dictionary");
  if (rules.efforts.length === 0 && !rules.format) throw extra("output_config");
  for (const [name, value] of Object.entries(config)) {
    if (name === "format" ? !rules.format : name !== "effort") throw extra(`output_config.${name}`);
    if (name !== "effort") continue;
    if (rules.efforts.length === 0) throw validation("This model does not support the effort parameter.");
    if (!rules.efforts.includes(String(value)))
      throw validation(`output_config.effort: Input should be ${rules.efforts.map((each) => `'${each}'`).join(", ")}`);
  }
}
