/**
 * The beta flags that Bedrock's InvokeModel takes. One that it does not know fails the whole request with "invalid beta flag", so only what stands
 * here (or in the upstream's `betas`) is let through. Evidence: `wire.md` §1.5, a third party's test of each; it will age, hence the setting.
 */
const ACCEPTED = new Set([
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
]);

/** Flags of Anthropic's own API that go by other names here. */
const SPLIT: Readonly<Record<string, readonly string[]>> = {
  "advanced-tool-use-2025-11-20": ["tool-examples-2025-10-29", "tool-search-tool-2025-10-19"],
};

/** The flags to send, each once, in the order asked for. */
export function acceptedBetas(asked: readonly string[], further: ReadonlySet<string>): string[] {
  const accepted = new Set<string>();
  for (const name of asked.flatMap((flag) => (further.has(flag) ? flag : (SPLIT[flag] ?? flag)))) {
    if (ACCEPTED.has(name) || further.has(name)) accepted.add(name);
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
