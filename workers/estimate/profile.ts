/** Facts of a model that the estimate needs. */
import type { PictureRule } from "./pictures.ts";
import type { Tokenizer } from "./text.ts";

/** Tokens that a request costs beside its text. */
export interface Overhead {
  /** Tokens for the frame of the prompt and the start of the answer, once a request. */
  base: number;
  perMessage: number;
  /** Tokens for having tools, once a request: with `tool_choice` absent, auto or none, and with a tool forced. */
  tools: { free: number; forced: number };
  perTool: number;
  firstProperty: number;
  furtherProperty: number;
  description: number;
  enumeration: number;
}

export interface Profile {
  tokenizer: Tokenizer;
  /** Real tokens of text for each one that the tokenizer's table makes. */
  scale: number;
  picture: PictureRule;
  overhead: Overhead;
}
