/**
 * How many input tokens a request will cost, before an upstream has read it. The body is parsed (a tenth of the whole work), and its members are
 * weighed as the API of its dialect bills them. Text is counted by `fastTokens` (microseconds per kilobyte) or, where an operator asked for
 * `estimate: exact`, by the byte-pair table (`exact.ts`).
 */

import { type ByteText, decodeUtf8, encodeUtf8 } from "../../src/contract/bytes.ts";
import type { TokenizerFamily } from "../../src/contract/config.ts";
import type { UpstreamDialect } from "../../src/contract/dialect.ts";
import { isObject } from "../../src/contract/objects.ts";
import { tallyAnthropic } from "./anthropic.ts";
import { claudeProfile } from "./claude.ts";
import type { ExactCounter } from "./exact.ts";
import { gptProfile } from "./gpt.ts";
import { tallyOpenai } from "./openai.ts";
import type { Profile } from "./profile.ts";
import { fastTokens, PIECE_BYTES, pieceEnd, weightsOf } from "./text.ts";
import type { CountText, Json, JsonObject, Tally } from "./walk.ts";

/** What a dialect has: the profiles of its models, and how its API bills a request. */
interface DialectEstimate {
  profile(model: string, family: TokenizerFamily | undefined): Profile;
  tally(request: JsonObject, profile: Profile, count: CountText): Tally;
}

const DIALECTS: Readonly<Record<UpstreamDialect, DialectEstimate>> = {
  anthropic: { profile: claudeProfile, tally: tallyAnthropic },
  openai: { profile: gptProfile, tally: tallyOpenai },
};

const profiles = new Map<string, Profile>();

/**
 * The profile of a model.
 * @param model - as the client names it, which says more than the name of an Azure deployment
 * @param family - its tokenizer, where the configuration or the catalogue names one
 */
export function profileOf(dialect: UpstreamDialect, model: string, family?: TokenizerFamily): Profile {
  const key = `${dialect} ${family} ${model}`;
  const known = profiles.get(key);
  if (known !== undefined) return known;
  const profile = DIALECTS[dialect].profile(model.toLowerCase(), family);
  // Names come from the catalogue, so there are few; the bound is for a caller that passes a client's text.
  if (profiles.size < 1000) profiles.set(key, profile);
  return profile;
}

/**
 * Escaped characters of Latin-1 next to each other (`\u00c3\u00a4`) would be read as the UTF-8 bytes of one other character, although they are two, of up
 * to twenty times as many tokens. A body with such a pair is read as characters, and each of its texts is counted by its UTF-8 bytes.
 */
const AMBIGUOUS = /(?:\\u00[c-f][0-9a-f]|[\u00c2-\u00f4])\\u00[89ab]|\\u00[c-f][0-9a-f][\u0080-\u00bf]/i;

function isAmbiguous(body: ByteText): boolean {
  return body.includes("\\u00") && AMBIGUOUS.test(body);
}

function parse(body: string): JsonObject | undefined {
  try {
    const value = JSON.parse(body) as Json;
    return isObject(value) ? value : undefined;
  } catch {
    // Not JSON, or nested deeper than the engine's parser goes.
    return undefined;
  }
}

/**
 * Input tokens of a request: a whole number, at least 1. Never throws; a body that is no JSON object is counted as plain text.
 * @param model - as the client named it
 * @param body - as the client sent it
 */
export function estimate(dialect: UpstreamDialect, model: string, body: ByteText, family?: TokenizerFamily): number {
  const profile = profileOf(dialect, model, family);
  const weights = weightsOf(profile.tokenizer);
  const asCharacters = isAmbiguous(body);
  const request = parse(asCharacters ? decodeUtf8(body) : body);
  if (request === undefined) return Math.max(1, Math.ceil(fastTokens(body, weights) * profile.scale));
  return total(
    DIALECTS[dialect].tally(request, profile, (text) => fastTokens(asCharacters ? encodeUtf8(text) : text, weights)),
    profile,
    body,
  );
}

/**
 * The same as `estimate`, for a body that is parsed already and may be large: text is counted in pieces, with a `turn` between them. A cut in the middle
 * of a word may add tokens: less than two for each piece, and mostly none.
 */
export async function estimateInTurns(
  dialect: UpstreamDialect,
  model: string,
  body: ByteText,
  request: object,
  turn: () => Promise<void>,
  family?: TokenizerFamily,
): Promise<number> {
  const profile = profileOf(dialect, model, family);
  const weights = weightsOf(profile.tokenizer);
  const later: ByteText[] = [];
  let room = PIECE_BYTES;
  const characters = isAmbiguous(body) ? parse(decodeUtf8(body)) : undefined;
  const tally = DIALECTS[dialect].tally(characters ?? (request as JsonObject), profile, (read) => {
    const text = characters === undefined ? read : encodeUtf8(read);
    room -= text.length;
    if (room >= 0) return fastTokens(text, weights);
    later.push(text);
    return 0;
  });
  room = 0;
  for (const text of later) {
    for (let at = 0; at < text.length; ) {
      // A piece ends at a word, a few bytes before it is full.
      if (room < PIECE_BYTES / 2) {
        await turn();
        room = PIECE_BYTES;
      }
      const end = pieceEnd(text, at);
      tally.text += fastTokens(text.slice(at, end), weights);
      room -= end - at;
      at = end;
    }
  }
  return total(tally, profile, body);
}

/** The same as `estimate`, with the text counted by the model's token table. */
export function estimateExactly(
  dialect: UpstreamDialect,
  model: string,
  body: ByteText,
  counter: ExactCounter,
  family?: TokenizerFamily,
): number {
  const profile = profileOf(dialect, model, family);
  const text = decodeUtf8(body);
  const request = parse(text);
  if (request === undefined) return estimate(dialect, model, body, family);
  const count = counter.begin();
  return total(DIALECTS[dialect].tally(request, profile, count), profile, body);
}

function total(tally: Tally, profile: Profile, body: ByteText): number {
  // No tokenizer makes more tokens than there are bytes; the scale is only right on average.
  return Math.max(1, Math.ceil(Math.min(tally.text * profile.scale, body.length) + tally.other));
}
