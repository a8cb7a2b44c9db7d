/**
 * What OpenAI's models take on Azure, by the model behind a deployment. Written from documentation and reports, and not from
 * the gateway's tables.
 *
 * Sources: learn.microsoft.com, "Azure OpenAI reasoning models" and "Azure OpenAI in Microsoft Foundry models"; openai-python#2046 (max_tokens);
 * "Structured outputs" (models that know no schema); anomalyco/opencode#9035, langchain-azure#228 (models with Responses alone); openai-agents-python#2063 (sealed reasoning).
 */
export interface AzureRules {
  reasoning: boolean;
  chat: boolean;
  responses: boolean;
  /** Answers by a schema (`json_schema`). */
  schema: boolean;
}

const CLASSIC: AzureRules = { reasoning: false, chat: true, responses: true, schema: true };
const OLD: AzureRules = { reasoning: false, chat: true, responses: false, schema: false };
const REASONING: AzureRules = { reasoning: true, chat: true, responses: true, schema: true };
const RESPONSES_ALONE: AzureRules = { reasoning: true, chat: false, responses: true, schema: true };

/** The first pattern that matches a deployment's name, from its beginning to any suffix, decides. */
const MODELS: readonly [RegExp, AzureRules][] = [
  [/^gpt-(?:5(?:\.\d)?-codex|5(?:\.\d)?-pro)|^(?:o1|o3)-(?:pro|deep-research)|^codex-mini|^computer-use/, RESPONSES_ALONE],
  [/^gpt-5(?:\.\d)?-chat/, CLASSIC],
  [/^o1-preview|^o1-mini/, { ...REASONING, responses: false, schema: false }],
  [/^o\d|^gpt-[5-9]/, REASONING],
  [/^gpt-(?:35|3\.5)-turbo|^gpt-4(?!o|\.)/, OLD],
];

/** @param behind see `State.behind` */
export function azureRules(deployment: string, behind: Readonly<Record<string, string>>): AzureRules & { model: string } {
  const model = behind[deployment] ?? deployment;
  return { model, ...(MODELS.find(([pattern]) => pattern.test(model))?.[1] ?? CLASSIC) };
}
