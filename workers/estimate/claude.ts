/**
 * The Claude models by name. Sources: ai-tokenizer 1.0.6 (messages, tools, and the text for tools of Claude 3); platform.claude.com, "Pricing" (the text for
 * tools of other models), "Token counting" (the new tokenizer), "Images and vision" (pictures).
 */
import type { TokenizerFamily } from "../../src/contract/config.ts";
import type { PictureRule } from "./pictures.ts";
import type { Profile } from "./profile.ts";

/** Claude 4.7 and later have a tokenizer that is not public. By Anthropic's own figure it makes about 30 % more tokens. */
const NEW_CLAUDE_SCALE = 1.3;

const CLAUDE_OVERHEAD = { base: 6, perMessage: 3, perTool: 53, firstProperty: 13, furtherProperty: 12, description: 5, enumeration: 9 };
const SMALL_PICTURES: PictureRule = { by: "patches", side: 28, maxEdge: 1568, maxPatches: 1568, factor: 1 };
const LARGE_PICTURES: PictureRule = { by: "patches", side: 28, maxEdge: 2576, maxPatches: 4784, factor: 1 };

/** Tokens of the text that Anthropic adds for tools: `free` with `tool_choice` auto or none, `forced` with any or tool. Newest first. */
const CLAUDE_TOOLS: readonly (readonly [family: RegExp, version: number, free: number, forced: number])[] = [
  [/opus/, 5, 286, 406],
  [/opus/, 4.8, 290, 410],
  [/opus/, 4.7, 675, 804],
  [/sonnet/, 5, 354, 474],
  [/./, 4.6, 497, 589],
  [/./, 4.5, 496, 588],
  [/./, 4, 313, 315],
  [/haiku/, 3.5, 264, 355],
  [/./, 0, 317, 317],
];

/** `claude-3-5-sonnet-20240620` → 3.5, `claude-opus-4-7` → 4.7, `eu.anthropic.claude-sonnet-5-v1:0` → 5; a name without a number is a new one. */
function claudeVersion(model: string): number {
  const found = /claude-(?:[a-z]+-)?(\d)(?:[-.](\d)(?!\d))?/.exec(model);
  return found === null ? Number.POSITIVE_INFINITY : Number(`${found[1]}.${found[2] ?? 0}`);
}

/** A model of unknown name and unknown family gets the newest profile. */
export function claudeProfile(model: string, family: TokenizerFamily | undefined): Profile {
  const version = claudeVersion(model);
  const fresh = family === undefined ? version >= 4.7 : family === "claude-4.7";
  const [, , free, forced] = CLAUDE_TOOLS.find(([family, from]) => version >= from && family.test(model)) ?? [/./, 0, 317, 317];
  return {
    tokenizer: "claude",
    scale: fresh ? NEW_CLAUDE_SCALE : 1,
    picture: fresh ? LARGE_PICTURES : SMALL_PICTURES,
    overhead: { ...CLAUDE_OVERHEAD, tools: { free, forced } },
  };
}
