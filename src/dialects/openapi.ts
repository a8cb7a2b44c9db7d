import type { DialectName } from "../contract/dialect.ts";
import { anthropicDescription } from "./anthropic/openapi.ts";
import type { DialectDescription } from "./description.ts";
import { openaiDescription } from "./openai/openapi.ts";
import { unifiedDescription } from "./unified/openapi.ts";

/** What is published of each dialect; one line each. Apart from the dialects themselves, since no worker has a use for it. */
export const descriptions: Readonly<Record<DialectName, DialectDescription>> = {
  anthropic: anthropicDescription,
  openai: openaiDescription,
  unified: unifiedDescription,
};
