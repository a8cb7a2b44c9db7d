/**
 * The fast estimate of plain text: one pass, a table look-up a character, no allocation. A weight is how many tokens of the family one such character
 * adds on average (most of them the chance that a token starts there); `bench/calibrate.ts` fits them, `weights.gen.ts` holds them.
 */
import type { ByteText } from "../../src/contract/bytes.ts";
import { ASTRAL, CONTINUES, IDEOGRAPHS, KINDS, kindTable, NEXT_PLACE, PLACES, START, SYLLABLES } from "./kinds.ts";
import { WEIGHTS } from "./weights.gen.ts";

/** A tokenizer, as far as the estimate tells them apart (`wire.md` §5.1, §5.3). */
export type Tokenizer = "o200k" | "cl100k" | "claude";

/** What the pass looks up. Made once per tokenizer and thread, 150 kB. */
export interface Weights {
  /** Kind of each code point below U+10000. */
  kinds: Uint8Array;
  /**
   * What a character does to the pass, at `state + kind`, where a state is the kind before and its place in its run, times `KINDS`: in the lower half
   * what it costs in thousandths of a token, in the upper the state after it. One look-up a character, because each has to wait for the one before.
   */
  steps: Uint32Array;
}

/** The committed form: `costs` has one entry per pair of kinds seen in calibration, `alone` two bits per ideograph and syllable. */
export interface PackedWeights {
  /** `previous.kind:cost cost …` (thousandths, by place, the last one repeated), entries separated by `;`. */
  costs: string;
  /** Base64 of two bits per code point: tokens by itself, less one. Ideographs first, then syllables. */
  alone: string;
}

/** What a pair of kinds costs that no calibration text had: going on with a run, and starting one. */
const UNSEEN = { continues: 800, starts: 1000 };

function unpack(packed: PackedWeights): Weights {
  const bits = atob(packed.alone);
  const tokensAlone = (code: number) => {
    const i = code <= IDEOGRAPHS.last ? code - IDEOGRAPHS.first : IDEOGRAPHS.last - IDEOGRAPHS.first + 1 + code - SYLLABLES.first;
    return ((bits.charCodeAt(i >> 2) >> ((i & 3) * 2)) & 3) + 1;
  };
  // At `(previous * KINDS + kind) * PLACES + place`, `place` being that of `kind`.
  const costs = new Uint16Array(KINDS * KINDS * PLACES);
  CONTINUES.forEach((continues, pair) => {
    costs.fill(continues === 1 ? UNSEEN.continues : UNSEEN.starts, pair * PLACES, (pair + 1) * PLACES);
  });
  for (const entry of packed.costs.split(";")) {
    const [pair = "", list = ""] = entry.split(":");
    const [previous = 0, kind = 0] = pair.split(".").map(Number);
    const known = list.split(" ").map(Number);
    for (let place = 0; place < PLACES; place++)
      costs[(previous * KINDS + kind) * PLACES + place] = known[Math.min(place, known.length - 1)] ?? 0;
  }
  return { kinds: kindTable(tokensAlone), steps: stepTable(costs) };
}

function stepTable(costs: Uint16Array): Uint32Array {
  return Uint32Array.from({ length: KINDS * PLACES * KINDS }, (_, at) => {
    const kind = at % KINDS;
    const before = Math.floor(at / KINDS) % PLACES;
    const previous = Math.floor(at / KINDS / PLACES);
    const pair = previous * KINDS + kind;
    const place = CONTINUES[pair] === 1 ? (NEXT_PLACE[kind * PLACES + before] ?? 0) : 0;
    return ((stateOf(kind, place) << 16) | (costs[pair * PLACES + place] ?? 0)) >>> 0;
  });
}

function stateOf(kind: number, place: number): number {
  return (kind * PLACES + place) * KINDS;
}

/** Every text starts as if it followed a line break. */
const FIRST_STATE = stateOf(START, 0);

const unpacked = new Map<Tokenizer, Weights>();

export function weightsOf(tokenizer: Tokenizer): Weights {
  const known = unpacked.get(tokenizer);
  if (known !== undefined) return known;
  const fresh = unpack(WEIGHTS[tokenizer]);
  unpacked.set(tokenizer, fresh);
  return fresh;
}

/**
 * Tokens of a text, not rounded.
 * @param text the value of a JSON string: UTF-8 as byte text, and any character above U+00FF (a `\u4f60` that the parser resolved) as itself.
 *   A Latin-1 character that came as an escape looks like a broken UTF-8 sequence and is taken for what it is.
 */
export function fastTokens(text: ByteText, { kinds, steps }: Weights): number {
  const length = text.length;
  let sum = 0;
  let bytes = 0;
  let state = FIRST_STATE;
  for (let i = 0; i < length; i++) {
    let code = text.charCodeAt(i);
    let kind: number;
    if (code < 0x80) {
      kind = kinds[code] as number;
      bytes++;
    } else {
      if (code >= 0xc2 && code <= 0xf4) {
        const size = code < 0xe0 ? 2 : code < 0xf0 ? 3 : 4;
        let point = code & (0xff >> (size + 1));
        let taken = 1;
        while (taken < size) {
          // NaN past the end, which is no continuation either.
          const next = text.charCodeAt(i + taken);
          if ((next & 0xc0) !== 0x80 || next > 0xff) break;
          point = (point << 6) | (next & 0x3f);
          taken++;
        }
        if (taken === size) {
          code = point;
          i += size - 1;
        }
      } else if (code >= 0xd800 && code <= 0xdbff && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
        code = 0x10000;
        i++;
      }
      kind = code < 0x10000 ? (kinds[code] as number) : ASTRAL;
      bytes += code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    }
    const step = steps[state + kind] as number;
    sum += step & 0xffff;
    state = step >>> 16;
  }
  // Byte-pair encoding never makes more tokens than bytes.
  return Math.min(sum / 1000, bytes);
}
