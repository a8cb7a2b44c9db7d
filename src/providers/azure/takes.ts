/**
 * What each of OpenAI's models takes on Azure, by its name in the catalogue, since the operator chooses the name of a deployment. What the table lacks is learned
 * from Azure's refusals (`workers/providers/azure/lessons.ts`), and can be written into the configuration (`accepts`).
 *
 * Sources:
 *   reasoning, max_tokens   learn.microsoft.com, "Azure OpenAI reasoning models" (parameters that they do not take)
 *   chat                    learn.microsoft.com, "Azure OpenAI in Microsoft Foundry models" (models with the Responses API alone);
 *                           anomalyco/opencode#9035, langchain-ai/langchain-azure#228
 *   gpt-6-astra             theopenco/llmgateway PR#3935 (both routes)
 *   UNKNOWN                 Codex 0.171 as recorded; openai/codex#30161, #29469 (Azure's refusals), SEMOSS/Semoss PR#2532
 */
import type { AcceptsEdits } from "../../contract/accepts.ts";
import { edited } from "../fields.ts";

/** Names of fields, the same as in `accepts.fields` of the configuration. */
export const AZURE_FIELDS = [
  /** The limit of an answer has this name; otherwise it is `max_completion_tokens`. */
  "max_tokens",
  "routes.chat",
  "routes.responses",
  /** The model reasons, and its reasoning can be returned in sealed form. */
  "reasoning",
] as const;
type Field = (typeof AZURE_FIELDS)[number];

/** Members that Codex sends and Azure does not know, with any model: `name` of the top level, `input.name` of an item. `accepts.fields.add` lets them through. */
const UNKNOWN = ["client_metadata", "input.internal_chat_message_metadata_passthrough"];

const CLASSIC: readonly Field[] = ["max_tokens", "routes.chat", "routes.responses"];
const REASONING: readonly Field[] = ["routes.chat", "routes.responses", "reasoning"];
const RESPONSES_ONLY: readonly Field[] = ["routes.responses", "reasoning"];

/** A test compares the table with the catalogue: both have the same models. */
export const AZURE_TAKES: Readonly<Record<string, readonly Field[]>> = {
  "gpt-35-turbo": ["max_tokens", "routes.chat"],
  "gpt-4": ["max_tokens", "routes.chat"],
  "gpt-4o": CLASSIC,
  "gpt-4o-mini": CLASSIC,
  "gpt-4.1": CLASSIC,
  "gpt-4.1-mini": CLASSIC,
  "gpt-4.1-nano": CLASSIC,
  "o1-preview": ["routes.chat", "reasoning"],
  o1: REASONING,
  o3: REASONING,
  "o3-mini": REASONING,
  "o4-mini": REASONING,
  "gpt-5": REASONING,
  "gpt-5-mini": REASONING,
  "gpt-5-nano": REASONING,
  "gpt-5-codex": RESPONSES_ONLY,
  "gpt-5-pro": RESPONSES_ONLY,
  "gpt-5.1": REASONING,
  "gpt-5.1-codex": RESPONSES_ONLY,
  "gpt-5.1-codex-mini": RESPONSES_ONLY,
  "gpt-5.1-codex-max": RESPONSES_ONLY,
  "gpt-5.2": REASONING,
  "gpt-5.2-codex": RESPONSES_ONLY,
  "gpt-5.3-codex": RESPONSES_ONLY,
  "gpt-5.4": REASONING,
  "gpt-5.4-mini": REASONING,
  "gpt-5.4-nano": REASONING,
  "gpt-5.4-pro": RESPONSES_ONLY,
  "gpt-5.5": REASONING,
  "gpt-6-astra": REASONING,
  "text-embedding-3-small": [],
  "text-embedding-3-large": [],
  "text-embedding-ada-002": [],
};

/** What a model takes, for `workers/providers/azure`. */
export interface AzureAccepts {
  /** The model's name in the catalogue; left out where it is not there. */
  model?: string | undefined;
  fields: readonly string[];
  /** False: only the model's names can show which kind it is. */
  isKnown: boolean;
  /** Fields to leave out. */
  without: readonly string[];
}

/** For a model that is not in the catalogue, only its names and Azure's refusals show what it takes. */
export function azureTakes(model: string | undefined, edits: readonly AcceptsEdits[]): AzureAccepts {
  const line = model !== undefined && Object.hasOwn(AZURE_TAKES, model) ? AZURE_TAKES[model] : undefined;
  const fields = edits.map((edit) => edit.fields);
  const isKnown = (name: string) => (AZURE_FIELDS as readonly string[]).includes(name);
  const others = (names: readonly string[]) => names.filter((name) => !isKnown(name));
  return {
    model,
    fields: edited(line ?? AZURE_FIELDS, fields).filter(isKnown),
    isKnown: line !== undefined || fields.some(({ add, remove }) => [...add, ...remove].some(isKnown)),
    without: edited(
      UNKNOWN,
      fields.map(({ add, remove }) => ({ add: others(remove), remove: others(add) })),
    ),
  };
}
