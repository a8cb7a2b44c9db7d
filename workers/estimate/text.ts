/**
 * The fast estimate of plain text: one pass, one look-up in a table for each character, no allocation that grows with the text. A weight is how many tokens
 * one such character adds on average: mostly the chance that a token starts there. `bench/calibrate.ts` fits the weights, `weights.gen.ts` holds them.
 */
import type { ByteText } from "../../src/contract/bytes.ts";
import { ASTRAL, CONTINUES, IDEOGRAPHS, KINDS, kindTable, NEXT_PLACE, PLACES, RARE, SPACE, START, SYLLABLES } from "./kinds.ts";
import { WEIGHTS } from "./weights.gen.ts";

/** A tokenizer, as far as the estimate distinguishes them. */
export type Tokenizer = "o200k" | "cl100k" | "claude";

/** Tables that the pass reads. Made once for each tokenizer and thread, 150 kB. */
export interface Weights {
  /** Kind of each code point below U+10000. */
  kinds: Uint8Array;
  /**
   * What a character does to the pass, at `state + kind`, where a state is the previous kind and its place in its run, times `KINDS`. The lower
   * `STATE_BITS` are the next state; the bits above them are the price of the character in thousandths of a token. One look-up for each character,
   * because each look-up has to wait for the one before. The numbers are signed, because engines store larger ones as fractions.
   */
  steps: Int32Array;
}

/** The form in the repository: `costs` has an entry for each pair of kinds in the calibration texts, `alone` two bits for each ideograph and syllable. */
export interface PackedWeights {
  /** `previous.kind:cost cost …` (thousandths, by place, the last one repeated), entries separated by `;`. */
  costs: string;
  /** Base64 of two bits for each code point: its tokens when it is alone, minus one. Ideographs first, then syllables. */
  alone: string;
}

/** Price of a pair of kinds that no calibration text has: in a run that continues, and in a run that starts. */
const UNSEEN = { continues: 800, starts: 1000 };

/** Price of characters that no calibration text has: nearly a token for each byte, because their true price is not known. */
const RARE_COSTS = [
  [RARE.two, 1700],
  [RARE.three, 2300],
] as const;

/**
 * The least price of a letter from the tenth place of a run on, by its kind: about a third to a half of its price among random letters. The words of a
 * language are rarely so long, so the calibration texts have hardly any such letters; letters without end have many.
 */
const LEAST_AT_LAST: Readonly<Record<number, number>> = {
  4: 300,
  15: 520,
  16: 720,
  17: 1000,
  18: 340,
  19: 250,
  21: 400,
  22: 420,
  23: 480,
  24: 560,
};

function unpack(packed: PackedWeights): Weights {
  const bits = atob(packed.alone);
  const tokensAlone = (code: number) => {
    const i = code <= IDEOGRAPHS.last ? code - IDEOGRAPHS.first : IDEOGRAPHS.last - IDEOGRAPHS.first + 1 + code - SYLLABLES.first;
    return ((bits.charCodeAt(i >> 2) >> ((i & 3) * 2)) & 3) + 1;
  };
  // At `(previous * KINDS + kind) * PLACES + place`, where `place` is the place of `kind`.
  const costs = new Uint16Array(KINDS * KINDS * PLACES);
  CONTINUES.forEach((continues, pair) => {
    costs.fill(continues === 1 ? UNSEEN.continues : UNSEEN.starts, pair * PLACES, (pair + 1) * PLACES);
  });
  for (let previous = 0; previous < KINDS; previous++)
    for (const [kind, cost] of RARE_COSTS) costs.fill(cost, (previous * KINDS + kind) * PLACES, (previous * KINDS + kind + 1) * PLACES);
  for (const entry of packed.costs.split(";")) {
    const [pair = "", list = ""] = entry.split(":");
    const [previous = 0, kind = 0] = pair.split(".").map(Number);
    const known = list.split(" ").map(Number);
    for (let place = 0; place < PLACES; place++)
      costs[(previous * KINDS + kind) * PLACES + place] = known[Math.min(place, known.length - 1)] ?? 0;
  }
  for (const [kind, least] of Object.entries(LEAST_AT_LAST)) {
    const last = (Number(kind) * KINDS + Number(kind)) * PLACES + PLACES - 1;
    costs[last] = Math.max(costs[last] ?? 0, least);
  }
  return { kinds: kindTable(tokensAlone), steps: stepTable(costs) };
}

function stepTable(costs: Uint16Array): Int32Array {
  return Int32Array.from({ length: KINDS * PLACES * KINDS }, (_, at) => {
    const kind = at % KINDS;
    const before = Math.floor(at / KINDS) % PLACES;
    const previous = Math.floor(at / KINDS / PLACES);
    const pair = previous * KINDS + kind;
    const place = CONTINUES[pair] === 1 ? (NEXT_PLACE[kind * PLACES + before] ?? 0) : 0;
    return ((costs[pair * PLACES + place] ?? 0) << STATE_BITS) | stateOf(kind, place);
  });
}

/** States end below 2^15: `KINDS * PLACES * KINDS` is 21,160. */
const STATE_BITS = 15;
const STATE_MASK = (1 << STATE_BITS) - 1;

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

/** ASCII text is copied into this block and read from it: reading bytes of an array is cheaper than reading characters of a string. */
const block = new Uint8Array(65_536);
const blockBuffer = Buffer.from(block.buffer);
/** A block of so many bytes or more is read at four places at once. */
const LONG = 256;
/** So many bytes after each quarter of a block are searched for a place to begin. */
const NEAR = 64;
const BLANK = 0x20;
/** The first blank after another character begins a new run, so the text before it does not change the price of the text after it. */
const AFTER_BLANK = stateOf(SPACE, 0);

/** Text of so many bytes is counted in a fraction of a millisecond. */
export const PIECE_BYTES = 128 * 1024;

/** Where the piece ends that begins at `at`: before a blank that starts a new run, or at least not inside of a character. */
export function pieceEnd(text: ByteText, at: number): number {
  const most = at + PIECE_BYTES;
  if (most >= text.length) return text.length;
  for (let end = most; end > most - NEAR; end--) if (text.charCodeAt(end) === BLANK && text.charCodeAt(end - 1) !== BLANK) return end;
  let end = most;
  while (end > most - 4 && isInside(text.charCodeAt(end))) end--;
  return end;
}

/** A byte that continues a UTF-8 sequence, or the second half of a surrogate pair. */
function isInside(code: number): boolean {
  return (code & 0xffc0) === 0x0080 || (code & 0xfc00) === 0xdc00;
}

/** What the pass has reached: the state, and the sums of thousandths of a token and of bytes. */
interface Pass {
  state: number;
  thousandths: number;
  bytes: number;
}

/**
 * Tokens of a text, not rounded.
 * @param text - the value of a JSON string: UTF-8 as byte text, and any character above U+00FF (a `\u4f60` that the parser resolved) as itself.
 *   A Latin-1 character that came as an escape looks like a broken UTF-8 sequence, and is read as that character.
 */
export function fastTokens(text: ByteText, weights: Weights): number {
  const so: Pass = { state: FIRST_STATE, thousandths: 0, bytes: 0 };
  // As long in UTF-8 as in characters: the whole text is ASCII.
  if (Buffer.byteLength(text, "utf8") !== text.length) readAny(text, weights, so);
  else if (text.length <= block.length) readAscii(blockBuffer.write(text, "latin1"), weights, so);
  else {
    for (let at = 0; at < text.length; at += block.length)
      readAscii(blockBuffer.write(text.slice(at, at + block.length), "latin1"), weights, so);
  }
  // Byte-pair encoding never makes more tokens than bytes.
  return Math.min(so.thousandths / 1000, so.bytes);
}

/** A little after `from` in the block: the offset after a blank that follows a letter, a digit or a sign; 0 without one. */
function placeToBegin(from: number): number {
  for (let at = from + 1; at < from + NEAR; at++) {
    if (block[at] !== BLANK) continue;
    const before = block[at - 1] as number;
    if (before > BLANK && before < 0x7f) return at + 1;
  }
  return 0;
}

/**
 * Adds up the first `length` bytes of the block. Each look-up has to wait for the one before, and a processor can do three others in that time. So a
 * long block is read from four places at once, which gives the same sum in half the time.
 */
function readAscii(length: number, weights: Weights, so: Pass): void {
  const second = length < LONG ? 0 : placeToBegin(length >> 2);
  const third = second === 0 ? 0 : placeToBegin(length >> 1);
  const fourth = third === 0 ? 0 : placeToBegin((length >> 2) * 3);
  so.bytes += length;
  if (fourth === 0) {
    readOne(0, length, weights, so);
    return;
  }
  const { kinds, steps } = weights;
  const common = Math.min(second, third - second, fourth - third, length - fourth);
  // A block's costs stay far below 2^31, so the sum is a small integer all the way.
  let sum = 0;
  let [a, b, c, d] = [so.state, AFTER_BLANK, AFTER_BLANK, AFTER_BLANK];
  for (let i = 0; i < common; i++) {
    const stepA = steps[a + (kinds[block[i] as number] as number)] as number;
    const stepB = steps[b + (kinds[block[second + i] as number] as number)] as number;
    const stepC = steps[c + (kinds[block[third + i] as number] as number)] as number;
    const stepD = steps[d + (kinds[block[fourth + i] as number] as number)] as number;
    sum = (sum + (stepA >> STATE_BITS) + (stepB >> STATE_BITS) + (stepC >> STATE_BITS) + (stepD >> STATE_BITS)) | 0;
    a = stepA & STATE_MASK;
    b = stepB & STATE_MASK;
    c = stepC & STATE_MASK;
    d = stepD & STATE_MASK;
  }
  so.thousandths += sum;
  for (const [state, from, to] of [
    [a, common, second],
    [b, second + common, third],
    [c, third + common, fourth],
    [d, fourth + common, length],
  ] as const) {
    so.state = state;
    readOne(from, to, weights, so);
  }
}

function readOne(from: number, to: number, { kinds, steps }: Weights, so: Pass): void {
  let sum = 0;
  let { state } = so;
  for (let i = from; i < to; i++) {
    const step = steps[state + (kinds[block[i] as number] as number)] as number;
    sum = (sum + (step >> STATE_BITS)) | 0;
    state = step & STATE_MASK;
  }
  so.thousandths += sum;
  so.state = state;
}

/** The same for any text, character by character. */
function readAny(text: ByteText, { kinds, steps }: Weights, so: Pass): void {
  const { length } = text;
  let sum = 0;
  let bytes = 0;
  let { state } = so;
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
    sum += step >> STATE_BITS;
    state = step & STATE_MASK;
  }
  so.thousandths += sum;
  so.bytes += bytes;
}
