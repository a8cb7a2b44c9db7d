/** Chooses which beta flags of the client go to Bedrock: Bedrock refuses a request with a flag that the model does not take. */
import type { Dropped, Takes } from "./takes.ts";

const EFFORT_CHANGES = "mid-conversation-output-config-2026-07-01";

/** Flags of Anthropic's own API that have other names at Bedrock. Claude Code has another name for an effort per message. */
const SPLIT: Readonly<Record<string, readonly string[]>> = {
  "advanced-tool-use-2025-11-20": ["tool-examples-2025-10-29", "tool-search-tool-2025-10-19"],
  "per-turn-control-2026-07-01": [EFFORT_CHANGES],
  "mid-conversation-effort-2026-08-01": [EFFORT_CHANGES],
};

/**
 * Flags that can be missing without a loss: they name the client or its way of signing in, or are not needed, or belong to a
 * member that is reported by its own name.
 */
const WITHOUT_LOSS =
  /^(?:claude-code|oauth|prompt-caching|token-counting|thinking-token-count|mid-conversation-(?:system|tool-changes|output-config)|effort|structured-outputs|advanced-tool-use|tool-search-tool|tool-examples|context-management|compact)-/;
/** Flags for features that a model with this field has without a flag. */
const BY_ITSELF: readonly [RegExp, string][] = [
  // A model with adaptive thinking also thinks between calls of tools.
  [/^interleaved-thinking-/, "thinking.adaptive"],
  [/^context-1m-/, "window.million"],
];
/** Flags in this form are named to the client; any other text is not repeated. */
const SPEAKABLE = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The flags to send, each once, in the order of the client's list. */
export function acceptedBetas(asked: readonly string[], { betas: taken, fields }: Takes, dropped: Dropped): string[] {
  const accepted = new Set<string>();
  const isLoss = (name: string) => !WITHOUT_LOSS.test(name) && !BY_ITSELF.some(([flag, field]) => flag.test(name) && fields.has(field));
  for (const flag of asked) {
    for (const name of taken.has(flag) ? [flag] : (SPLIT[flag] ?? [flag])) {
      if (taken.has(name)) accepted.add(name);
      else if (SPEAKABLE.test(name) && isLoss(name)) dropped.add(name);
    }
  }
  return [...accepted];
}

/** Types of tools, and the flag that each needs. */
const TYPED_TOOLS: readonly [RegExp, string][] = [
  [/^(?:bash|computer|text_editor)_2025(?:0124|0429|0728)$/, "computer-use-2025-01-24"],
  [/^computer_20251124$/, "computer-use-2025-11-24"],
  [/^memory_20250818$/, "context-management-2025-06-27"],
  [/^tool_search_tool_/, "tool-search-tool-2025-10-19"],
];

/** The flag that Bedrock needs for a vendor's tool, where Anthropic's API needs none. Source: @ai-sdk/amazon-bedrock 5.0.101. */
export function betaOfTool(type: string): string | undefined {
  return TYPED_TOOLS.find(([pattern]) => pattern.test(type))?.[1];
}
