import type { DialectName } from "../contract/dialect.ts";
import { anthropicDescription } from "./anthropic/openapi.ts";
import type { DialectDescription } from "./description.ts";
import { openaiDescription } from "./openai/openapi.ts";
import { unifiedDescription } from "./unified/openapi.ts";

/** What is published about each dialect; one line each. Not part of the dialects themselves, because workers do not need it. */
export const descriptions: Readonly<Record<DialectName, DialectDescription>> = {
  anthropic: anthropicDescription,
  openai: openaiDescription,
  unified: unifiedDescription,
};
