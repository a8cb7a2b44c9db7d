import type { Usage } from "../src/contract/usage.ts";
import { noUsage } from "../src/contract/usage.ts";
import type { Reader, ReportedUsage } from "./providers/provider.ts";

/** Bytes of an answer's text for a token, where its text itself is not kept: English and code lie around it. */
const ANSWER_BYTES_PER_TOKEN = 3.5;

/**
 * What a call has used: as its upstream reported; of an answer that did not come to its end, or was never counted, what can be counted of it.
 * @param estimate - Of the input, for an upstream that has not reported it.
 * @param failedEarly - Its client got nothing and pays for nothing: only what was reported is told.
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
