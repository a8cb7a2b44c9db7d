/**
 * What OpenAI's models accept on Azure, by the model of a deployment. The rules come from documentation and reports. None is copied from the gateway's
 * tables, so that a test fails where those tables are wrong.
 *
 * Sources: learn.microsoft.com, "Azure OpenAI reasoning models" and "Azure OpenAI in Microsoft Foundry models"; openai-python#2046 (max_tokens);
 * "Structured outputs" (models without schemas); anomalyco/opencode#9035, langchain-azure#228 (models with Responses only); openai-agents-python#2063
 * (encrypted reasoning).
 */
export interface Rules {
  /** It is a reasoning model, which refuses sampling and `max_tokens`. */
  reasoning: boolean;
  /** It answers chat completions. */
  chat: boolean;
  /** It answers the Responses API. */
  responses: boolean;
  /** It can answer by a schema (`json_schema`). */
  schema: boolean;
}

const CLASSIC: Rules = { reasoning: false, chat: true, responses: true, schema: true };
const OLD: Rules = { reasoning: false, chat: true, responses: false, schema: false };
const REASONING: Rules = { reasoning: true, chat: true, responses: true, schema: true };
const RESPONSES_ONLY: Rules = { reasoning: true, chat: false, responses: true, schema: true };

/** The first pattern that matches the beginning of the model's name decides. */
const MODELS: readonly [RegExp, Rules][] = [
  [/^gpt-(?:5(?:\.\d)?-codex|5(?:\.\d)?-pro)|^(?:o1|o3)-(?:pro|deep-research)|^codex-mini|^computer-use/, RESPONSES_ONLY],
  [/^gpt-5(?:\.\d)?-chat/, CLASSIC],
  [/^o1-preview|^o1-mini/, { ...REASONING, responses: false, schema: false }],
  [/^o\d|^gpt-[5-9]/, REASONING],
  [/^gpt-(?:35|3\.5)-turbo|^gpt-4(?!o|\.)/, OLD],
];

/**
 * The model of a deployment, and what it accepts. A deployment that `behind` does not name has the name of its model.
 * @param behind see `State.behind`
 */
export function rulesOf(deployment: string, behind: Readonly<Record<string, string>>): Rules & { model: string } {
  const model = behind[deployment] ?? deployment;
  return { model, ...(MODELS.find(([pattern]) => pattern.test(model))?.[1] ?? CLASSIC) };
}
