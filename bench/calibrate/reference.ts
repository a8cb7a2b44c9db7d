/** The exact counts, with which the estimate is compared. The texts are our own, so the time for them needs no bound. */
import { Tokenizer as BytePairs } from "ai-tokenizer";
import * as claude from "ai-tokenizer/encoding/claude";
import cl100kRanks from "gpt-tokenizer/bpeRanks/cl100k_base";
import o200kRanks from "gpt-tokenizer/bpeRanks/o200k_base";
import * as cl100k from "gpt-tokenizer/encoding/cl100k_base";
import * as o200k from "gpt-tokenizer/encoding/o200k_base";
import type { Tokenizer } from "../../workers/estimate/text.ts";

/** ai-tokenizer looks up tokens in a plain object, in which the word `constructor` finds a function. An object without a prototype counts this word right. */
const table = new BytePairs({ ...claude, stringEncoder: Object.assign(Object.create(null), claude.stringEncoder) } as never);

/** The old public table counts a tenth too few tokens for Claude 3 to 4.5. Source: the README of ai-tokenizer. */
const CLAUDE_OVER_TABLE = 1.1;

const plain = { disallowedSpecial: new Set<string>() };

interface Reference {
  encode(text: string): number[];
  /** The length of a token in bytes. */
  size(token: number): number;
  /** How many real tokens one token of the table stands for, on average. */
  scale: number;
}

function sizes(entries: Iterable<[string | ArrayLike<number>, number]>): (token: number) => number {
  const known: number[] = [];
  for (const [bytes, token] of entries) known[token] = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.length;
  return (token) => {
    const size = known[token];
    if (size === undefined) throw new Error(`the table has no token ${token}`);
    return size;
  };
}

const claudeEntries: [string | ArrayLike<number>, number][] = [...Object.entries(claude.stringEncoder), ...claude.binaryEncoder];

export const REFERENCES: Record<Tokenizer, Reference> = {
  o200k: { encode: (text) => o200k.encode(text, plain), size: sizes(o200kRanks.map((bytes, token) => [bytes, token])), scale: 1 },
  cl100k: { encode: (text) => cl100k.encode(text, plain), size: sizes(cl100kRanks.map((bytes, token) => [bytes, token])), scale: 1 },
  claude: { encode: (text) => table.encode(text, [], []), size: sizes(claudeEntries), scale: CLAUDE_OVER_TABLE },
};

/** The exact number of tokens in a text. For Claude it is the best public approximation. */
export function exactTokens(tokenizer: Tokenizer, text: string): number {
  return REFERENCES[tokenizer].encode(text).length * REFERENCES[tokenizer].scale;
}

/** For each byte of the text, how many tokens start there: 0, or `scale`. */
export function starts(tokenizer: Tokenizer, text: string): Float64Array {
  const { encode, size, scale } = REFERENCES[tokenizer];
  const at = new Float64Array(Buffer.byteLength(text));
  let byte = 0;
  for (const token of encode(text)) {
    at[byte] = scale;
    byte += size(token);
  }
  if (byte !== at.length) throw new Error(`${tokenizer}: the tokens cover ${byte} of ${at.length} bytes`);
  return at;
}
