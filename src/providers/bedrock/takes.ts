/**
 * What each of Anthropic's models takes on InvokeModel, by its name in the catalogue, since an id or ARN may not show the model. Bedrock refuses
 * a request for one unknown member, and its models differ in ways that do not follow from their versions. So this is data: a line for each model, with sources.
 * What is missing or has changed is learned from Bedrock's refusals while Weir runs (`workers/providers/bedrock/lessons.ts`), and can be
 * written into the configuration (`accepts`).
 *
 * Sources:
 *   betas            envoyproxy/ai-gateway PR#2512 (a test of each flag); AWS, "Anthropic Claude Messages API: request and response";
 *                    BerriAI/litellm anthropic_beta_headers_config.json; anthropics/claude-code#49370, #49648 (Opus 4.7)
 *   system role      platform.claude.com, "Mid-conversation system messages" (September 2026), with its flags for changes of tools and `clear_at`: Opus 4.8
 *                    and 5, Fable, Mythos; not Sonnet 5. "Per-message effort" (October 2026) has Sonnet 5.5 and Haiku 5.5 too, and so has @langchain/anthropic 1.5.13
 *   thinking         platform.claude.com, "Adaptive thinking"; anthropics/claude-code#49490, coder/coder PR#26691
 *   effort           platform.claude.com, "Effort" (September 2026); claude-code-action#1005
 *   format           anthropic-sdk-python#1759, models.dev PR#1765, presenton#939, vectorize-io/hindsight#3300
 *   strict tools     litellm#31582, #33193 (measured model by model), PR#31943; lobehub#19876
 *   window           AWS, model cards (Opus 4.6: 1M tokens); platform.claude.com, "What's new in Claude Haiku 5.5"
 *   caching          AWS, "Prompt caching for faster model inference"; litellm#26320 and PR#22867, inspect_ai PR#3851 (top-level field)
 */
import type { AcceptsEdits } from "../../contract/accepts.ts";
import { edited } from "../fields.ts";

/** What only some models take; `accepts.fields` of the configuration has the same names. */
export const BEDROCK_FIELDS = [
  /** `cache_control` on blocks and tools; its `ttl`; and at the top level, for the last block. */
  "cache_control",
  "cache_control.ttl",
  "cache_control.scope",
  "automatic_cache_control",
  "messages.role.system",
  "output_config.effort",
  "output_config.format",
  "thinking.adaptive",
  "thinking.enabled",
  "tools.strict",
  /** A context of a million tokens without a flag. */
  "window.million",
] as const;
type Field = (typeof BEDROCK_FIELDS)[number];

interface Line {
  betas: readonly string[];
  fields: readonly Field[];
  /** Levels of `output_config.effort`. */
  efforts: readonly string[];
}

const OLDEST = ["pdfs-2024-09-25"];
const FOUR = [
  ...OLDEST,
  "interleaved-thinking-2025-05-14",
  "computer-use-2025-01-24",
  "token-efficient-tools-2025-02-19",
  "fine-grained-tool-streaming-2025-05-14",
  "output-128k-2025-02-19",
];
const LATE_FOUR = [...FOUR, "context-management-2025-06-27", "structured-outputs-2025-11-13", "computer-use-2025-11-24"];
const SEARCH = ["tool-search-tool-2025-10-19", "tool-examples-2025-10-29"];
const MILLION = "context-1m-2025-08-07";
const EFFORT = "effort-2025-11-24";
const COMPACT = "compact-2026-01-12";
const SYSTEM = ["mid-conversation-tool-changes-2026-07-01", "mid-conversation-system-clear-at-2026-08-21"];
/** Models from 4.7 on: interleaved thinking, a million tokens and long answers need no flag any more, and a flag for them was refused. */
const FIVE = [
  "context-management-2025-06-27",
  COMPACT,
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  EFFORT,
  "fine-grained-tool-streaming-2025-05-14",
  ...SEARCH,
];
const LATEST = [
  ...FIVE,
  ...SYSTEM,
  "mid-conversation-output-config-2026-07-01",
  "dangerous-tool-use-2026-09-03",
  "thinking-binding-controls-2026-08-01",
  "thinking-display-updates-2026-08-18",
];

const LEVELS = ["low", "medium", "high"];
const ALL_LEVELS = [...LEVELS, "xhigh", "max"];
const CACHED: readonly Field[] = ["cache_control", "cache_control.ttl"];
const EARLY_FIELDS: readonly Field[] = ["cache_control", "thinking.enabled"];
const LATE_FOUR_FIELDS: readonly Field[] = [...CACHED, "thinking.enabled", "output_config.format", "tools.strict"];
const SIX_FIELDS: readonly Field[] = [...LATE_FOUR_FIELDS, "thinking.adaptive", "output_config.effort"];
const FIVE_FIELDS: readonly Field[] = [...CACHED, "thinking.adaptive", "output_config.effort", "window.million"];
const WITH_SYSTEM: readonly Field[] = [...FIVE_FIELDS, "messages.role.system"];

/** A test compares the table with the catalogue: both have the same models. */
export const BEDROCK_TAKES: Readonly<Record<string, Line>> = {
  "claude-3-haiku-20240307": { betas: OLDEST, fields: [], efforts: [] },
  "claude-3-sonnet-20240229": { betas: OLDEST, fields: [], efforts: [] },
  "claude-3-opus-20240229": { betas: OLDEST, fields: [], efforts: [] },
  "claude-3-5-sonnet-20240620": { betas: OLDEST, fields: [], efforts: [] },
  "claude-3-5-haiku-20241022": { betas: OLDEST, fields: ["cache_control"], efforts: [] },
  "claude-sonnet-4-20250514": { betas: [...FOUR, MILLION], fields: EARLY_FIELDS, efforts: [] },
  "claude-opus-4-1-20250805": { betas: FOUR, fields: EARLY_FIELDS, efforts: [] },
  "claude-sonnet-4-5-20250929": { betas: [...LATE_FOUR, ...SEARCH, MILLION], fields: LATE_FOUR_FIELDS, efforts: [] },
  "claude-haiku-4-5-20251001": { betas: LATE_FOUR, fields: LATE_FOUR_FIELDS, efforts: [] },
  "claude-opus-4-5-20251101": {
    betas: [...LATE_FOUR, ...SEARCH, EFFORT],
    fields: [...LATE_FOUR_FIELDS, "output_config.effort"],
    efforts: LEVELS,
  },
  "claude-opus-4-6": { betas: [...LATE_FOUR, ...SEARCH, MILLION, EFFORT, COMPACT], fields: SIX_FIELDS, efforts: [...LEVELS, "max"] },
  "claude-sonnet-4-6": { betas: [...LATE_FOUR, ...SEARCH, MILLION, EFFORT, COMPACT], fields: SIX_FIELDS, efforts: [...LEVELS, "max"] },
  "claude-opus-4-7": { betas: FIVE, fields: FIVE_FIELDS, efforts: ALL_LEVELS },
  "claude-opus-4-8": { betas: [...FIVE, ...SYSTEM], fields: WITH_SYSTEM, efforts: ALL_LEVELS },
  "claude-opus-5": { betas: LATEST, fields: [...WITH_SYSTEM, "tools.strict"], efforts: ALL_LEVELS },
  "claude-opus-5-5": { betas: LATEST, fields: WITH_SYSTEM, efforts: ALL_LEVELS },
  "claude-sonnet-5": { betas: FIVE, fields: FIVE_FIELDS, efforts: ALL_LEVELS },
  "claude-sonnet-5-5": { betas: LATEST, fields: WITH_SYSTEM, efforts: ALL_LEVELS },
  "claude-haiku-5-5": { betas: LATEST, fields: WITH_SYSTEM, efforts: ALL_LEVELS },
  "claude-fable-5": { betas: LATEST, fields: [...WITH_SYSTEM, "tools.strict"], efforts: ALL_LEVELS },
  "claude-fable-5-1": { betas: LATEST, fields: WITH_SYSTEM, efforts: ALL_LEVELS },
  "claude-fable-5-2": { betas: LATEST, fields: WITH_SYSTEM, efforts: ALL_LEVELS },
  "claude-mythos-5": { betas: LATEST, fields: [...WITH_SYSTEM, "tools.strict"], efforts: ALL_LEVELS },
};

/** A model that is not in the catalogue: all that any model takes; Bedrock's refusals then correct it. */
const UNKNOWN: Line = {
  betas: [...new Set([...LATE_FOUR, ...LATEST, MILLION])],
  fields: BEDROCK_FIELDS.filter((field) => field !== "cache_control.scope" && field !== "automatic_cache_control"),
  efforts: ALL_LEVELS,
};

/** Those of the names that are no fields of the table. */
function others(names: readonly string[]): string[] {
  return names.filter((name) => !(BEDROCK_FIELDS as readonly string[]).includes(name));
}

/** What a model takes, for `workers/providers/bedrock`. */
export interface BedrockAccepts {
  /** The model's name in the catalogue; left out where it is not there. */
  model?: string | undefined;
  betas: readonly string[];
  fields: readonly string[];
  /** Levels of `output_config.effort`. */
  efforts: readonly string[];
  /** Unknown members to leave out. */
  without: readonly string[];
}

export function bedrockTakes(model: string | undefined, edits: readonly AcceptsEdits[]): BedrockAccepts {
  const { betas, fields, efforts } = (model !== undefined && Object.hasOwn(BEDROCK_TAKES, model) && BEDROCK_TAKES[model]) || UNKNOWN;
  const all = edits.map((edit) => edit.fields);
  const taken = edited(fields, all);
  const isWidened = efforts.length === 0 && taken.includes("output_config.effort");
  return {
    model,
    betas: edited(
      betas,
      edits.map((edit) => edit.betas),
    ),
    fields: taken.filter((field) => (BEDROCK_FIELDS as readonly string[]).includes(field)),
    efforts: isWidened ? ALL_LEVELS : efforts,
    without: edited(
      [],
      all.map(({ add, remove }) => ({ add: others(remove), remove: others(add) })),
    ),
  };
}
