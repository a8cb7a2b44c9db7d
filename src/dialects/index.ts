import type { Dialect, DialectName } from "../contract/dialect.ts";
import { anthropic } from "./anthropic/anthropic.ts";
import { openai } from "./openai/openai.ts";
import { unified } from "./unified/unified.ts";

/** Every protocol of clients; one line each. */
export const dialects: Readonly<Record<DialectName, Dialect>> = {
  anthropic,
  openai,
  unified,
};

/** For a request that shows no protocol at all: most tools can read this error format. */
export const fallbackDialect: Dialect = openai;
