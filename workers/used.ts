import type { Usage } from "../src/contract/usage.ts";
import { noUsage } from "../src/contract/usage.ts";
import type { Reader, ReportedUsage } from "./providers/provider.ts";

/** Bytes of an answer per token, where the text itself is not kept: the ratios of English and of code are near it. */
const ANSWER_BYTES_PER_TOKEN = 3.5;

/**
 * The usage of a call: as its upstream reported it; for an answer that did not end well, or was never counted, the part of it that can be counted.
 * @param estimate - Tokens of the input, for an upstream that has not reported them.
 * @param failedEarly - The client got nothing and pays for nothing: only what the upstream reported counts.
 */
export function usedTokens(reader: Reader | undefined, estimate: number, failedEarly: boolean): Usage {
  const usage: ReportedUsage = reader?.usage ?? noUsage();
  const { input, cacheRead, cacheWrite } = usage;
  const isReported = input + cacheRead + cacheWrite > 0;
  if (failedEarly || (isReported && reader?.complete && usage.isOdd !== true)) return usage;
  const counted = Math.ceil((reader?.written ?? 0) / ANSWER_BYTES_PER_TOKEN);
  return { ...usage, input: isReported ? input : estimate, output: Math.max(usage.output, counted) };
}

/** Whether an upstream has counted the input. */
export function hasInput({ input, cacheRead, cacheWrite }: Usage): boolean {
  return input + cacheRead + cacheWrite > 0;
}
