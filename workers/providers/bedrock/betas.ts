/** Beta flags: which of those that the client asked for go to Bedrock, where one that the model does not take fails the request. */
import type { Dropped } from "./takes.ts";

/** Flags of Anthropic's own API that go by other names here. */
const SPLIT: Readonly<Record<string, readonly string[]>> = {
  "advanced-tool-use-2025-11-20": ["tool-examples-2025-10-29", "tool-search-tool-2025-10-19"],
};

/**
 * Flags whose absence nobody notices: they name the client or its way of signing in, or need not be asked for, or go with a
 * member that is told by its own name.
 */
const WITHOUT_LOSS =
  /^(?:claude-code|oauth|prompt-caching|token-counting|thinking-token-count|mid-conversation-system|effort|structured-outputs|advanced-tool-use|tool-search-tool|tool-examples|context-management|compact)-/;
const SPEAKABLE = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** The flags to send, each once, in the order asked for. */
export function acceptedBetas(asked: readonly string[], taken: ReadonlySet<string>, dropped: Dropped): string[] {
  const accepted = new Set<string>();
  for (const flag of asked) {
    for (const name of taken.has(flag) ? [flag] : (SPLIT[flag] ?? [flag])) {
      if (taken.has(name)) accepted.add(name);
      else if (!WITHOUT_LOSS.test(name) && SPEAKABLE.test(name)) dropped.add(name);
    }
  }
  return [...accepted];
}

const TYPED_TOOLS: readonly [RegExp, string][] = [
  [/^(?:bash|computer|text_editor)_2025(?:0124|0429|0728)$/, "computer-use-2025-01-24"],
  [/^computer_20251124$/, "computer-use-2025-11-24"],
  [/^memory_20250818$/, "context-management-2025-06-27"],
  [/^tool_search_tool_/, "tool-search-tool-2025-10-19"],
];

/** The flag without which Bedrock refuses a vendor's tool that needs none at Anthropic. Source: @ai-sdk/amazon-bedrock 5.0.101. */
export function betaOfTool(type: string): string | undefined {
  return TYPED_TOOLS.find(([pattern]) => pattern.test(type))?.[1];
}
