/**
 * The alphabet of the estimate: every character belongs to one of a few dozen kinds, and what it costs depends on its kind, the kind before it and
 * its place in its run. Letters of one script make a run (`Über` is one run), and so do digits, spaces and punctuation. A capital after a small letter
 * starts a new run, because tokenizers cut `camelCase` there.
 */

/**
 * How many kinds, and how many places in a run, differ in price. The weight of (previous kind, kind, place) is at
 * `(previous * KINDS + kind) * PLACES + place`.
 */
export const KINDS = 46;
export const PLACES = 10;

const CAPITAL = 4;
const DIGIT = 5;
export const SPACE = 6;
/** Line breaks. */
export const START = 7;
export const ASTRAL = 38;

/** Characters that hardly any vocabulary has: two bytes or three, and as many tokens. */
export const RARE = { two: 44, three: 45 } as const;

/** Ideographs and Hangul syllables come in three kinds each: alone they are one token of the family, or two, or three and more. */
const IDEOGRAPH = [35, 40, 41] as const;
const SYLLABLE = [36, 42, 43] as const;
export const IDEOGRAPHS = { first: 0x4e00, last: 0x9fff } as const;
export const SYLLABLES = { first: 0xac00, last: 0xd7af } as const;

/** First code point of each stretch above ASCII and its kind, in order. */
const STRETCHES: readonly (readonly [first: number, kind: number])[] = [
  [0x80, 14], // controls and signs of Latin-1
  [0xc0, 15], // letters of Latin-1
  [0x100, 16], // Latin Extended
  [0x250, 17], // phonetic letters, combining marks
  [0x370, 18], // Greek
  [0x400, 19], // Cyrillic of the most used languages
  [0x460, 20], // scripts without a kind
  [0x590, 21], // Hebrew
  [0x600, 22], // Arabic
  [0x700, RARE.two], // Syriac, Thaana, N'Ko
  [0x900, 23], // Devanagari
  [0x980, 24], // the other scripts of India
  [0xe00, 25], // Thai
  [0xe80, RARE.two], // Lao, Tibetan
  [0x1000, 20], // Burmese, Georgian
  [0x1100, RARE.three], // Hangul parts
  [0x1200, RARE.two], // Ethiopic
  [0x13a0, RARE.three], // Cherokee, the syllables of Canada, runes
  [0x1780, 20], // Khmer
  [0x1800, RARE.three], // Mongolian and others
  [0x1e00, 27], // Latin with two marks (Vietnamese), polytonic Greek
  [0x2000, 28], // typographic punctuation
  [0x2070, 29], // signs and symbols
  [0x2600, 30], // pictographs
  [0x2800, RARE.three], // Braille
  [0x2900, 29],
  [0x3000, 31], // punctuation of East Asia
  [0x3040, 32], // Hiragana
  [0x30a0, 33], // Katakana
  [0x3100, RARE.two], // Bopomofo
  [0x3200, 34],
  [0x3400, RARE.three], // ideographs of old books
  [0x4e00, IDEOGRAPH[0]],
  [0xa000, RARE.three], // Yi and others
  [0xac00, SYLLABLE[0]],
  [0xd7b0, RARE.three], // private use
  [0xf900, 34],
  [0xff00, 37], // full-width forms
];

/** The group of each kind: characters of one group make a run. */
const RUN = [
  0, 0, 0, 0, 0, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6, 0, 0, 0, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 6, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
  22, 22, 23, 23, 27, 28,
];

function asciiKind(code: number): number {
  const character = String.fromCharCode(code);
  if ("aeiou".includes(character)) return 0;
  if ("tnsrhldc".includes(character)) return 1;
  if ("mpgfbvyw".includes(character)) return 2;
  if ("kjqxz".includes(character)) return 3;
  if (code >= 65 && code <= 90) return CAPITAL;
  if (code >= 48 && code <= 57) return DIGIT;
  if (character === " ") return SPACE;
  if (character === "\n" || character === "\r") return START;
  if (character === "\t") return 8;
  if (",.".includes(character)) return 9;
  if ("\"'`".includes(character)) return 10;
  if ("-_/".includes(character)) return 11;
  if ("=*#".includes(character)) return 12;
  return 13;
}

/**
 * The kind of every code point below U+10000; those above are `ASTRAL`.
 * @param tokensAlone - how many tokens (1 to 3) an ideograph or a syllable is when it is alone, in the family at hand
 */
export function kindTable(tokensAlone: (codePoint: number) => number): Uint8Array {
  const kinds = new Uint8Array(0x10000);
  for (let code = 0; code < 0x80; code++) kinds[code] = asciiKind(code);
  STRETCHES.forEach(([first, kind], i) => {
    kinds.fill(kind, first, STRETCHES[i + 1]?.[0] ?? 0x10000);
  });
  for (let code: number = IDEOGRAPHS.first; code <= IDEOGRAPHS.last; code++) kinds[code] = IDEOGRAPH[tokensAlone(code) - 1] ?? IDEOGRAPH[2];
  for (let code: number = SYLLABLES.first; code <= SYLLABLES.last; code++) kinds[code] = SYLLABLE[tokensAlone(code) - 1] ?? SYLLABLE[2];
  return kinds;
}

/** At `previous * KINDS + kind`: 1 where a character of the second kind continues the run of the first. */
export const CONTINUES: Uint8Array = Uint8Array.from({ length: KINDS * KINDS }, (_, i) => {
  const previous = Math.floor(i / KINDS);
  const kind = i % KINDS;
  return RUN[previous] === RUN[kind] && !(kind === CAPITAL && previous < CAPITAL) ? 1 : 0;
});

/**
 * At `kind * PLACES + place`: the next place in a run. In runs of digits the last three places repeat, because tokenizers cut digits by three; other
 * runs stay at the last place.
 */
export const NEXT_PLACE: Uint8Array = Uint8Array.from({ length: KINDS * PLACES }, (_, i) => {
  const place = i % PLACES;
  if (place < PLACES - 1) return place + 1;
  return Math.floor(i / PLACES) === DIGIT ? PLACES - 3 : PLACES - 1;
});
