import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fit } from "../../../../bench/calibrate/fit.ts";
import { exactTokens } from "../../../../bench/calibrate/reference.ts";
import { random } from "../../../../bench/calibrate/samples.ts";
import { measure, summary, TOKENIZERS, UNSEEN } from "../../../../bench/calibrate/table.ts";
import { tables, withTable } from "../../../../bench/calibrate.ts";
import { encodeUtf8 } from "../../../../src/contract/bytes.ts";
import { fastTokens, PIECE_BYTES, pieceEnd, weightsOf } from "../../../../workers/estimate/text.ts";
import { WEIGHTS } from "../../../../workers/estimate/weights.gen.ts";

describe("the fast estimate of text", () => {
  for (const tokenizer of TOKENIZERS) {
    const lines = measure(tokenizer);

    test(`${tokenizer}: half of the classes are within 5 %, and none is beyond 25 %`, () => {
      const { median, worst } = summary(lines.filter(({ name }) => !name.startsWith(UNSEEN)));
      expect(median).toBeLessThan(0.05);
      expect(Math.abs((worst?.whole ?? 9) - 1)).toBeLessThan(0.25);
    });

    test(`${tokenizer}: a correction that has learned brings every class within 25 %, languages without calibration included`, () => {
      for (const { name, learned } of lines) {
        expect({ name, near: Math.abs(learned - 1) < 0.25 }).toEqual({ name, near: true });
      }
    });
  }

  test("the table in docs/estimation.md is what the calibration measures today", () => {
    const page = readFileSync(new URL("../../../../docs/estimation.md", import.meta.url), "utf8");
    expect(withTable(page, tables())).toBe(page);
  });

  test("the committed weights are what the fit makes of the committed texts", () => {
    // One of the three: all are made in the same way, and each takes a second.
    expect(fit("cl100k")).toEqual(WEIGHTS.cl100k);
  }, 30_000);

  describe("random letters, as no language has them, are not estimated far too low", () => {
    const LETTERS: Record<string, [first: number, last: number]> = {
      capitals: [0x41, 0x5a],
      "Latin with marks": [0xc0, 0xff],
      "Latin Extended": [0x100, 0x17f],
      Greek: [0x3b1, 0x3c9],
      Cyrillic: [0x430, 0x44f],
      Hebrew: [0x5d0, 0x5ea],
      Arabic: [0x627, 0x64a],
      Syriac: [0x710, 0x72f],
      Devanagari: [0x904, 0x939],
      Bengali: [0x985, 0x9b9],
      Tamil: [0xb83, 0xbb9],
      Thai: [0xe01, 0xe2e],
      Tibetan: [0xf40, 0xf6c],
      "parts of Hangul": [0x1100, 0x1112],
      Ethiopic: [0x1200, 0x1357],
      Cherokee: [0x13a0, 0x13f4],
      Mongolian: [0x1820, 0x1877],
      Braille: [0x2800, 0x28ff],
      "ideographs of old books": [0x3400, 0x4dbf],
      Chinese: [0x4e00, 0x9fff],
      Yi: [0xa000, 0xa48c],
      Korean: [0xac00, 0xd7a3],
      "private use": [0xe000, 0xf8ff],
      "beyond 16 bits": [0x20000, 0x2a6df],
    };
    const roll = random(7);
    for (const [name, [first, last]] of Object.entries(LETTERS)) {
      test(name, () => {
        const letters = Array.from({ length: 2_000 }, () => String.fromCodePoint(first + Math.floor(roll() * (last - first + 1))));
        for (const tokenizer of ["o200k", "cl100k"] as const) {
          const part = (text: string) => fastTokens(encodeUtf8(text), weightsOf(tokenizer)) / exactTokens(tokenizer, text);
          expect([tokenizer, part(letters.join("")) > 0.25]).toEqual([tokenizer, true]);
          // As words of five they look like a language.
          const words = letters.map((letter, nth) => (nth % 5 === 4 ? `${letter} ` : letter)).join("");
          expect([tokenizer, part(words) > 0.25]).toEqual([tokenizer, true]);
        }
      });
    }
  });

  test("an escaped character costs what the same character in UTF-8 costs", () => {
    const weights = weightsOf("o200k");
    for (const text of ["你好，世界", "Привет, мир", "naïve café", "👍 ok 👩‍👩‍👧", "한국어"]) {
      expect(fastTokens(text, weights)).toBe(fastTokens(encodeUtf8(text), weights));
    }
  });

  test("ASCII costs the same when it is read as bytes, from four places at once, as when it is read character by character", () => {
    const words = 'The quick brown fox (age 42) said: "no  more", then\tleft.\n';
    // Longer than a block; short; without a blank; with nothing but blanks.
    const texts = [words.repeat(3_000), words.repeat(5), words, "x".repeat(5_000), `${" ".repeat(70_000)}x`];
    for (const tokenizer of TOKENIZERS) {
      const weights = weightsOf(tokenizer);
      // With one character beyond ASCII the whole text is read character by character; the character begins a new run.
      const beyond = fastTokens("The end.你", weights) - fastTokens("The end.", weights);
      for (const text of texts) expect(fastTokens(`${text}.你`, weights) - beyond).toBeCloseTo(fastTokens(`${text}.`, weights), 6);
    }
  });

  test("the pieces of a long text are together the whole text and cost about as much; they end before a word, or at least not inside of a character", () => {
    const texts = [
      "A weir holds a river back, and lets it run. ".repeat(20_000),
      "x".repeat(3 * PIECE_BYTES + 7),
      "👍你é".repeat(100_000),
      " ".repeat(2 * PIECE_BYTES),
    ];
    for (const text of texts.flatMap((text) => [text, encodeUtf8(text)])) {
      const pieces: string[] = [];
      for (let at = 0; at < text.length; at += pieces.at(-1)?.length ?? 0) pieces.push(text.slice(at, pieceEnd(text, at)));
      expect(pieces.join("")).toBe(text);
      expect(pieces.length).toBeGreaterThan(1);
      for (const piece of pieces) {
        expect(piece.length).toBeWithin(1, PIECE_BYTES + 1);
        expect(/^[\u0080-\u00bf\udc00-\udfff]/.test(piece)).toBe(false);
      }
      const weights = weightsOf("o200k");
      const sum = pieces.reduce((tokens, piece) => tokens + fastTokens(piece, weights), 0);
      expect(Math.abs(sum - fastTokens(text, weights))).toBeLessThan(2 * pieces.length);
    }
  });

  test("no text is estimated at more tokens than it has bytes, however odd its bytes are", () => {
    const next = random(1);
    for (let round = 0; round < 200; round++) {
      const bytes = String.fromCharCode(...Array.from({ length: 50 }, () => Math.floor(next() * 256)));
      for (const tokenizer of TOKENIZERS) {
        const tokens = fastTokens(bytes, weightsOf(tokenizer));
        expect(Number.isFinite(tokens) && tokens >= 0).toBe(true);
        // A lone byte above 7F is read as the Latin-1 letter that an escape would have left, which is two bytes of UTF-8.
        expect(tokens).toBeLessThanOrEqual(encodeUtf8(bytes).length);
      }
    }
    expect(fastTokens("", weightsOf("claude"))).toBe(0);
  });

  test("a text in pieces costs about as much as the whole text, so that chunks of a stream can be added up", () => {
    const text = "The quick brown fox jumps over the lazy dog, and nobody minds. ".repeat(40);
    const parts = Array.from({ length: text.length / 12 }, (_, i) => fastTokens(text.slice(i * 12, (i + 1) * 12), weightsOf("o200k")));
    const ratio = parts.reduce((a, b) => a + b, 0) / exactTokens("o200k", text);
    expect(ratio).toBeGreaterThan(0.75);
    expect(ratio).toBeLessThan(1.6);
  });
});
