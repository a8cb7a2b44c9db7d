/**
 * What each of Anthropic's models accepts on InvokeModel. The rules come from the vendors' documentation and from reports of refused
 * requests. None is copied from the gateway's own tables, so that a test fails where those tables are wrong. Rules become outdated within weeks.
 *
 * Sources, by column:
 *   betas     docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html;
 *             BerriAI/litellm anthropic_beta_headers_config.json ("bedrock"), llms/bedrock/beta_headers_config.py; anthropics/claude-code#49370, #49648
 *   system    platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages (and its tool changes, `clear_at`) and …/effort-per-message,
 *             whose list has Sonnet 5.5 and Haiku 5.5; BerriAI/litellm PR#32831, #29698
 *   thinking  platform.claude.com/docs/en/build-with-claude/adaptive-thinking; anthropics/claude-code#49490; coder/coder PR#26691
 *   efforts   platform.claude.com/docs/en/build-with-claude/effort; anthropics/claude-code-action#1005; vercel/ai @ai-sdk/amazon-bedrock 5.0.109
 *   format    anthropics/anthropic-sdk-python#1759; anomalyco/models.dev PR#1765; presenton/presenton#939
 *   strict    BerriAI/litellm#31582, #33193, PR#31943; lobehub/lobehub#19876
 *   cache     docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html; BerriAI/litellm#26320, PR#22867; UKGovernmentBEIS/inspect_ai PR#3851
 *   sampling  tinovyatkin/amazon-bedrock-copilot-chat PR#661; platform.claude.com/docs/en/models/haiku-5-5/migration-guide
 */
export interface Rules {
  readonly betas: ReadonlySet<string>;
  /** A message may have the role `system`. */
  readonly system: boolean;
  readonly thinking: readonly ("enabled" | "adaptive")[];
  /** Allowed levels of `output_config.effort`. */
  readonly efforts: readonly string[];
  /** `output_config.format` is allowed. */
  readonly format: boolean;
  /** A tool may have `strict`. */
  readonly strict: boolean;
  /** `cache_control` of a block: not allowed, allowed without a lifetime (`ttl`), or allowed with one. */
  readonly cache: "no" | "marks" | "lifetimes";
  /** Whether a request may set both of `temperature` and `top_p`, one of them, or neither. */
  readonly sampling: "both" | "one" | "none";
  /** The most tokens that a conversation and its answer may have. */
  readonly window: number;
}

/** The rules of one model as the table below has them. */
type Row = Pick<Rules, "system" | "thinking" | "efforts" | "format" | "strict" | "cache" | "sampling" | "window"> & {
  betas: readonly string[];
};

const OLD = { efforts: [], system: false, format: false, strict: false, sampling: "both", window: 200_000 } as const;
const THREE_BETAS = ["pdfs-2024-09-25", "token-counting-2024-11-01"];
const FOUR_BETAS = [
  ...THREE_BETAS,
  "interleaved-thinking-2025-05-14",
  "computer-use-2025-01-24",
  "token-efficient-tools-2025-02-19",
  "fine-grained-tool-streaming-2025-05-14",
  "output-128k-2025-02-19",
  "mcp-client-2025-11-20",
  "web-search-2025-03-05",
];
const MILLION = "context-1m-2025-08-07";
/** The flags of versions 4.5 and 4.6. Those of tool search are separate, because Haiku 4.5 does not have it. */
const LATE_FOUR_BETAS = [...FOUR_BETAS, "context-management-2025-06-27", "structured-outputs-2025-11-13", "computer-use-2025-11-24"];
const TOOL_SEARCH = ["tool-search-tool-2025-10-19", "tool-examples-2025-10-29"];
/** The flags from version 4.7 on. Features that needed a flag before need none now, and their flags are refused. */
const FIVE_BETAS = [
  "context-management-2025-06-27",
  "compact-2026-01-12",
  "computer-use-2025-01-24",
  "computer-use-2025-11-24",
  "effort-2025-11-24",
  "fine-grained-tool-streaming-2025-05-14",
  ...TOOL_SEARCH,
];
const SYSTEM_BETAS = ["mid-conversation-tool-changes-2026-07-01", "mid-conversation-system-clear-at-2026-08-21"];
const LATEST_BETAS = [
  ...FIVE_BETAS,
  ...SYSTEM_BETAS,
  "dangerous-tool-use-2026-09-03",
  "thinking-binding-controls-2026-08-01",
  "mid-conversation-output-config-2026-07-01",
  "thinking-display-updates-2026-08-18",
];

const ALL_EFFORTS = ["low", "medium", "high", "xhigh", "max"];
const FOUR = { ...OLD, thinking: ["enabled"], cache: "marks", betas: FOUR_BETAS } as const;
const LATE_FOUR = { ...FOUR, format: true, strict: true, cache: "lifetimes", sampling: "one" } as const;
const FIVE = {
  betas: FIVE_BETAS,
  system: true,
  thinking: ["adaptive"],
  efforts: ALL_EFFORTS,
  format: false,
  strict: false,
  cache: "lifetimes",
  sampling: "none",
  window: 1_000_000,
} as const;
const SIX_EFFORTS = ["low", "medium", "high", "max"];

const MODELS: Readonly<Record<string, Row>> = {
  "claude-3-haiku-20240307": { ...OLD, thinking: [], cache: "no", betas: THREE_BETAS },
  "claude-3-sonnet-20240229": { ...OLD, thinking: [], cache: "no", betas: THREE_BETAS },
  "claude-3-opus-20240229": { ...OLD, thinking: [], cache: "no", betas: THREE_BETAS },
  "claude-3-5-sonnet-20240620": { ...OLD, thinking: [], cache: "no", betas: THREE_BETAS },
  "claude-3-5-haiku-20241022": { ...OLD, thinking: [], cache: "marks", betas: THREE_BETAS },
  "claude-sonnet-4-20250514": { ...FOUR, betas: [...FOUR_BETAS, MILLION], window: 1_000_000 },
  "claude-opus-4-1-20250805": FOUR,
  "claude-sonnet-4-5-20250929": { ...LATE_FOUR, betas: [...LATE_FOUR_BETAS, ...TOOL_SEARCH, MILLION], window: 1_000_000 },
  "claude-haiku-4-5-20251001": { ...LATE_FOUR, betas: LATE_FOUR_BETAS },
  "claude-opus-4-5-20251101": {
    ...LATE_FOUR,
    efforts: ["low", "medium", "high"],
    betas: [...LATE_FOUR_BETAS, ...TOOL_SEARCH, "effort-2025-11-24"],
  },
  "claude-opus-4-6": {
    ...LATE_FOUR,
    thinking: ["enabled", "adaptive"],
    efforts: SIX_EFFORTS,
    betas: [...LATE_FOUR_BETAS, ...TOOL_SEARCH, MILLION, "effort-2025-11-24", "compact-2026-01-12"],
    window: 1_000_000,
  },
  "claude-sonnet-4-6": {
    ...LATE_FOUR,
    thinking: ["enabled", "adaptive"],
    efforts: SIX_EFFORTS,
    betas: [...LATE_FOUR_BETAS, ...TOOL_SEARCH, MILLION, "effort-2025-11-24", "compact-2026-01-12"],
    window: 1_000_000,
  },
  "claude-opus-4-7": { ...FIVE, system: false },
  "claude-opus-4-8": { ...FIVE, betas: [...FIVE_BETAS, ...SYSTEM_BETAS] },
  "claude-sonnet-5": { ...FIVE, system: false },
  "claude-opus-5": { ...FIVE, betas: LATEST_BETAS, strict: true },
  "claude-fable-5": { ...FIVE, betas: LATEST_BETAS, strict: true },
  "claude-mythos-5": { ...FIVE, betas: LATEST_BETAS, strict: true },
};
/** A model that is not listed above is as strict as the newest model in the reports. */
const NEWEST: Row = { ...FIVE, betas: LATEST_BETAS };

const known = new Map<string, Rules>();

/** @param name `Model.name`: the name in answers */
export function rulesOf(name: string): Rules {
  let rules = known.get(name);
  if (rules === undefined) {
    const model = Object.hasOwn(MODELS, name) ? (MODELS[name] as Row) : NEWEST;
    rules = { ...model, betas: new Set(model.betas) };
    if (known.size < 100) known.set(name, rules);
  }
  return rules;
}
