import type { Check, DialectName } from "../contract/dialect.ts";
import { checkMessages } from "./anthropic/check.ts";
import { checkOpenai } from "./openai/check.ts";

/**
 * How each dialect checks a request; one line each. Not part of the dialects themselves, because the checks load the schema library, and a worker that gets only
 * checked bodies does not need it.
 */
export const checks: Readonly<Record<DialectName, Check>> = {
  anthropic: checkMessages,
  openai: checkOpenai,
  unified: checkMessages,
};
