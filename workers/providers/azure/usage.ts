/** The usage that Azure reports. Each route has its own names for the same counts. */
import { asObject, countFor } from "../failure.ts";
import type { ReportedUsage } from "../provider.ts";

/** Names of the members of `usage`. */
interface UsageNames {
  input: string;
  inputDetails: string;
  output: string;
  outputDetails: string;
}

/** Also those of embeddings, which have no output. */
export const CHAT_USAGE: UsageNames = {
  input: "prompt_tokens",
  inputDetails: "prompt_tokens_details",
  output: "completion_tokens",
  outputDetails: "completion_tokens_details",
};
export const RESPONSES_USAGE: UsageNames = {
  input: "input_tokens",
  inputDetails: "input_tokens_details",
  output: "output_tokens",
  outputDetails: "output_tokens_details",
};

/** Reads the counts into `usage`. Azure's input tokens include those that were read from its cache. */
export function addUsage(usage: ReportedUsage, reported: unknown, names: UsageNames): void {
  const counts = asObject(reported);
  const input = countFor(usage, counts?.[names.input]);
  if (input === undefined) return;
  usage.cacheRead = Math.min(input, countFor(usage, asObject(counts?.[names.inputDetails])?.cached_tokens) ?? 0);
  usage.input = input - usage.cacheRead;
  usage.output = countFor(usage, counts?.[names.output]) ?? 0;
  usage.reasoning = Math.min(usage.output, countFor(usage, asObject(counts?.[names.outputDetails])?.reasoning_tokens) ?? 0);
}
