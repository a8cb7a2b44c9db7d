import type { Check, DialectName } from "../contract/dialect.ts";
import { checkMessages } from "./anthropic/check.ts";
import { checkOpenai } from "./openai/check.ts";

/**
 * How each dialect checks a request; one line each. Not part of the dialects themselves, because it loads the schema library, and a worker that is only given
 * checked bodies does without it.
 */
export const checks: Readonly<Record<DialectName, Check>> = {
  anthropic: checkMessages,
  openai: checkOpenai,
  unified: checkMessages,
};
