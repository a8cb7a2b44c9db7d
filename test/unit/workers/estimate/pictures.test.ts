import { describe, expect, test } from "bun:test";
import { profileOf } from "../../../../workers/estimate/estimate.ts";
import { pictureSize, pictureTokens, soundTokens } from "../../../../workers/estimate/pictures.ts";
import { gif, jpeg, png, webp } from "./pictures.ts";

describe("a picture's size is read from its head", () => {
  const files: [string, string][] = [
    ["PNG", png(1234, 567)],
    ["GIF", gif(1234, 567)],
    ["JPEG", jpeg(1234, 567, 0)],
    ["JPEG with a thumbnail before its frame", jpeg(1234, 567, 60_000)],
    ["progressive JPEG", jpeg(1234, 567, 300, 0xc2)],
    ["WebP, lossy", webp(1234, 567, "VP8 ")],
    ["WebP, lossless", webp(1234, 567, "VP8L")],
    ["WebP, extended", webp(1234, 567, "VP8X")],
  ];
  for (const [name, data] of files) {
    test(name, () => {
      expect(pictureSize(data)).toEqual({ width: 1234, height: 567 });
    });
  }

  test("a head that is cut, empty, of no pixels or of no format gives none", () => {
    for (const [, data] of files) {
      for (const cut of [0, 1, 7, 12]) expect(pictureSize(data.slice(0, cut))).toBeUndefined();
    }
    expect(pictureSize(png(0, 10))).toBeUndefined();
    expect(pictureSize("not base64 at all ☺")).toBeUndefined();
    // Segments that point at each other for ever.
    expect(
      pictureSize(Buffer.from([0xff, 0xd8, ...Array.from({ length: 4000 }, () => [0xff, 0xe0, 0, 2]).flat()]).toString("base64")),
    ).toBeUndefined();
  });
});

describe("a picture's price", () => {
  const of = (dialect: "anthropic" | "openai", model: string, width: number, height: number) =>
    pictureTokens(profileOf(dialect, model).picture, { width, height });

  test("Claude: squares of 28 pixels within the budget of the model", () => {
    expect(of("anthropic", "claude-sonnet-4-5", 1000, 1000)).toBe(1296);
    expect(of("anthropic", "claude-sonnet-4-5", 1920, 1080)).toBe(1560);
    expect(of("anthropic", "claude-opus-4-7", 1920, 1080)).toBe(2691);
    expect(of("anthropic", "claude-3-haiku-20240307", 100_000, 1)).toBe(56);
    expect(of("anthropic", "claude-opus-5", 9000, 9000)).toBeLessThanOrEqual(4784);
  });

  test("GPT: tiles, or patches with a factor", () => {
    expect(of("openai", "gpt-4o", 1024, 1024)).toBe(765);
    expect(of("openai", "gpt-4o", 2048, 1024)).toBe(1105);
    expect(of("openai", "gpt-4o", 4096, 8192)).toBe(1105);
    expect(of("openai", "gpt-4o", 100, 100)).toBe(255);
    expect(of("openai", "gpt-4o-mini", 1024, 1024)).toBe(2833 + 4 * 5667);
    expect(of("openai", "o3", 1024, 1024)).toBe(75 + 4 * 150);
    expect(of("openai", "gpt-5", 1024, 1024)).toBe(70 + 4 * 140);
    expect(of("openai", "gpt-4.1-mini", 1024, 1024)).toBe(Math.ceil(1024 * 1.62));
    expect(of("openai", "o4-mini", 8000, 8000)).toBeLessThanOrEqual(Math.ceil(1536 * 1.72));
  });

  // The page's own example: developers.openai.com, "Images and vision".
  test.each(["gpt-5.2", "gpt-5.2-codex", "gpt-5.3-codex", "gpt-5-codex-mini", "gpt-5.1-codex-mini"])(
    "%s counts patches without a factor",
    (model) => {
      expect(of("openai", model, 1024, 1024)).toBe(1024);
      expect(of("openai", model, 1800, 2400)).toBe(1452);
    },
  );

  test("models get their tokenizers", () => {
    const tokenizer = (model: string) => profileOf("openai", model).tokenizer;
    expect(
      ["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.5-preview", "o1-preview", "o3-mini", "gpt-5-mini", "my-deployment"].map(tokenizer),
    ).toEqual(new Array(8).fill("o200k"));
    expect(["gpt-4", "gpt-4-turbo", "gpt-4-0613", "gpt-35-turbo", "gpt-3.5-turbo-16k", "text-embedding-3-large"].map(tokenizer)).toEqual(
      new Array(6).fill("cl100k"),
    );
    const scale = (model: string) => profileOf("anthropic", model).scale;
    expect(
      [
        "claude-3-haiku-20240307",
        "claude-3-5-sonnet-20240620",
        "claude-sonnet-4-20250514",
        "claude-opus-4-1-20250805",
        "eu.anthropic.claude-sonnet-4-6",
      ].map(scale),
    ).toEqual(new Array(5).fill(1));
    expect(["claude-opus-4-7", "claude-opus-5", "us.anthropic.claude-sonnet-5-v1:0", "claude-mythos"].map(scale)).toEqual(
      new Array(4).fill(1.3),
    );
  });

  test("sound costs ten tokens a second", () => {
    expect(soundTokens(Math.round((48_000 * 60 * 4) / 3), "wav")).toBe(600);
  });
});
