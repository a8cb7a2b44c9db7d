/**
 * The GPT and o-series models by name. Sources: gpt-tokenizer 4.0 (which tokenizer a model has); openai/openai-cookbook, "How to count tokens with tiktoken"
 * (messages); ai-tokenizer 1.0.6 (tools of gpt-4o and gpt-4.1); developers.openai.com, "Images and vision" (pictures).
 */
import type { TokenizerFamily } from "../../src/contract/config.ts";
import type { PictureRule } from "./pictures.ts";
import type { Overhead, Profile } from "./profile.ts";

const GPT_OVERHEAD: Overhead = {
  base: 3,
  perMessage: 4,
  tools: { free: 16, forced: 16 },
  perTool: 6,
  firstProperty: 5,
  furtherProperty: 3,
  description: 1,
  enumeration: 7,
};

const tiles = (base: number, tile: number): PictureRule => ({ by: "tiles", base, tile });
const patches = (factor: number, maxPatches = 1536, maxEdge = 2048): PictureRule => ({
  by: "patches",
  side: 32,
  maxEdge,
  maxPatches,
  factor,
});

/** The first match decides. The last line is for all other models. */
const GPT_PICTURES: readonly (readonly [RegExp, PictureRule])[] = [
  [/4o-mini/, tiles(2833, 5667)],
  [/computer-use/, tiles(65, 129)],
  [/(?:5|5\.4|4\.1)-mini/, patches(1.62)],
  [/(?:5|5\.4|4\.1)-nano/, patches(2.46)],
  [/o4-mini/, patches(1.72)],
  [/5\.4/, patches(1, 2500)],
  [/5\.[5-9]/, patches(1, 10_000, 6000)],
  [/5\.2|5\.3-codex|5(?:\.1)?-codex-mini/, patches(1)],
  [/gpt-5/, tiles(70, 140)],
  [/(?:^|[^a-z0-9])o[13](?![0-9])/, tiles(75, 150)],
  [/./, tiles(85, 170)],
];

/** The models of the older tokenizer. `gpt-4o`, `gpt-4.1` and `gpt-4.5` are not among them. */
const CL100K = /gpt-4(?![o.\d])|gpt-3\.?5|text-embedding/;

/** A model of unknown name and unknown family gets the newest tokenizer. */
export function gptProfile(model: string, family: TokenizerFamily | undefined): Profile {
  const picture = GPT_PICTURES.find(([names]) => names.test(model))?.[1] ?? tiles(85, 170);
  const isOld = family === undefined ? CL100K.test(model) : family === "cl100k";
  return { tokenizer: isOld ? "cl100k" : "o200k", scale: 1, picture, overhead: GPT_OVERHEAD };
}
