import { beforeAll, describe, expect, test } from "bun:test";
import { exactTokens } from "../../../../bench/calibrate/reference.ts";
import { random, samples } from "../../../../bench/calibrate/samples.ts";
import { encodeUtf8 } from "../../../../src/contract/bytes.ts";
import { estimate, estimateExactly } from "../../../../workers/estimate/estimate.ts";
import { type ExactCounter, exactCounter, makeCounter } from "../../../../workers/estimate/exact.ts";

/** Tokens beside the text: 3 for the answer, 4 for the message. */
const FRAME = 7;
const bodyOf = (text: string) => encodeUtf8(JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: text }] }));

function hostileTexts(): [string, string][] {
  const next = random(3);
  const letters = (alphabet: string, n: number) => Array.from({ length: n }, () => alphabet[Math.floor(next() * alphabet.length)]).join("");
  const han = Array.from({ length: 20_000 }, (_, i) => String.fromCharCode(0x4e00 + i)).join("");
  return [
    ["one letter", "a".repeat(100_000)],
    ["spaces", " ".repeat(100_000)],
    ["line breaks", "\n".repeat(100_000)],
    ["one sign", "!".repeat(100_000)],
    ["one ideograph", "你".repeat(33_333)],
    ["combining marks", `e${"\u0301".repeat(50_000)}`],
    ["random letters", letters("abcdefghijklmnopqrstuvwxyz", 100_000)],
    ["random short words", letters("abcdefghijklmnopqrstuvwxyz      ", 100_000)],
    ["random ideographs", letters(han, 33_333)],
    ["base64, 1 MB", Buffer.from(Array.from({ length: 750_000 }, () => Math.floor(next() * 256))).toString("base64")],
    ["families of emoji", "👩‍👩‍👧‍👦".repeat(4000)],
    ["special tokens", "<|endoftext|>".repeat(7000)],
    ["escapes", '"\\'.repeat(50_000)],
  ];
}

describe("the exact count", () => {
  let counter: ExactCounter;
  beforeAll(async () => {
    const loaded = await exactCounter("o200k");
    if (loaded === undefined) throw new Error("no table");
    counter = loaded;
  });

  test("is the same as the library's on ordinary text, although slices and runs are cut", () => {
    for (const [name, text] of samples("holdout")) {
      const exact = exactTokens("o200k", text);
      const ours = estimateExactly("openai", "gpt-4o", bodyOf(text), counter) - FRAME;
      // A cut inside a word of a script without spaces makes a token or two of difference.
      expect({ name, off: Math.abs(ours - exact) <= Math.max(1, exact * 0.005) }).toEqual({ name, off: true });
    }
  });

  test("is exact from the first request on, however slow the table is at first", () => {
    for (const bytes of [20, 2000, 100_000]) {
      const text = (samples("holdout").get("english") ?? "").repeat(10).slice(0, bytes);
      const slow = makeCounter("o200k", (run) => {
        const untilMs = performance.now() + 1;
        while (performance.now() < untilMs);
        return exactTokens("o200k", run);
      });
      const quick = makeCounter("o200k", (run) => exactTokens("o200k", run));
      const ours = estimateExactly("openai", "gpt-4o", bodyOf(text), slow);
      expect(ours).toBe(estimateExactly("openai", "gpt-4o", bodyOf(text), quick));
      expect(Math.abs(ours - FRAME - exactTokens("o200k", text))).toBeLessThanOrEqual(bytes / 1000);
    }
  });

  test("a table that could not be loaded is asked for again by the next caller", async () => {
    const broken = () => Promise.reject(new Error("the disk was away"));
    await expect(exactCounter("claude", broken)).rejects.toThrow("the disk was away");
    expect(await exactCounter("claude")).toBeUndefined();
  });

  test("reads special tokens as the text that they are, and never throws", () => {
    const spelled = estimateExactly("openai", "gpt-4o", bodyOf("<|endoftext|><|im_start|>"), counter) - FRAME;
    expect(spelled).toBeGreaterThan(8);
    expect(() => estimateExactly("openai", "gpt-4o", bodyOf("\ud800 lone \udc00"), counter)).not.toThrow();
  });

  test("has no table for Claude", async () => {
    expect(await exactCounter("claude")).toBeUndefined();
  });

  test("text beyond the bound on work is estimated from the text before it, within a tenth", () => {
    const text = [...samples("holdout").values()].join("\n").slice(0, 200_000);
    let counted = 0;
    const count = (run: string) => {
      counted += Buffer.byteLength(run);
      return exactTokens("o200k", run);
    };
    const ours = estimateExactly("openai", "gpt-4o", bodyOf(text), makeCounter("o200k", count, 30_000)) - FRAME;
    expect(counted).toBeWithin(5_000, 32_000);
    expect(ours / exactTokens("o200k", text)).toBeWithin(0.9, 1.1);
  });

  test("ordinary text of 100 kB is counted whole; of text that no table knows, a few thousand bytes are", () => {
    const counted = (text: string) => {
      let bytes = 0;
      const count = (run: string) => {
        bytes += Buffer.byteLength(run);
        return exactTokens("o200k", run);
      };
      estimateExactly("openai", "gpt-4o", bodyOf(text), makeCounter("o200k", count));
      return bytes;
    };
    const english = (samples("holdout").get("english") ?? "").repeat(10).slice(0, 100_000);
    expect(counted(english)).toBe(Buffer.byteLength(english));
    const hostile = new Map(hostileTexts());
    for (const name of ["random letters", "random short words", "random ideographs", "base64, 1 MB"])
      expect(counted(hostile.get(name) ?? "")).toBeWithin(3_000, 20_000);
  });

  test("counts no piece in which a run is longer than the cut, whatever the text", () => {
    let longest = 0;
    const watching = makeCounter("o200k", (piece) => {
      for (const run of piece.match(/\p{L}+|\p{M}+|\s+|[^\p{L}\p{M}\p{N}\s]+/gu) ?? []) longest = Math.max(longest, run.length);
      return 1;
    });
    for (const [, text] of hostileTexts()) estimateExactly("openai", "gpt-4o", bodyOf(text), watching);
    expect(longest).toBeLessThanOrEqual(97);
  });
});

describe("hostile input", () => {
  const best = (rounds: number, work: () => unknown) => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < rounds; i++) {
      const from = performance.now();
      work();
      least = Math.min(least, performance.now() - from);
    }
    return least;
  };

  test("takes neither estimate more than a few times as long as English of the same size", async () => {
    const counter = await exactCounter("o200k");
    if (counter === undefined) throw new Error("no table");
    const english = bodyOf((samples("fit").get("english") ?? "").repeat(8).slice(0, 100_000));
    const perByte = (body: string) => ({
      fast: best(5, () => estimate("openai", "gpt-4o", body)) / body.length,
      exact: best(3, () => estimateExactly("openai", "gpt-4o", body, counter)) / body.length,
    });
    const base = perByte(english);
    const deep = [
      ["deep arrays", "[".repeat(100_000)],
      ["deep objects", `{"messages":[{"role":"user","content":${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}}]}`],
      ["deep schema", `{"tools":[{"name":"a","input_schema":${'{"items":'.repeat(10_000)}1${"}".repeat(10_000)}}]}`],
    ] as const;
    for (const [name, body] of [...hostileTexts().map(([name, text]) => [name, bodyOf(text)] as const), ...deep]) {
      const cost = perByte(body);
      if (process.env.PRINT_TIMES)
        console.log(
          name.padEnd(20),
          `${body.length} B`,
          `fast ${((cost.fast * body.length * 1000) | 0) / 1000} ms`,
          `exact ${((cost.exact * body.length * 1000) | 0) / 1000} ms`,
        );
      // Quadratic work would take a thousand times as long.
      expect({ name, fast: cost.fast < base.fast * 40, exact: cost.exact < base.exact * 10 }).toEqual({ name, fast: true, exact: true });
    }
  }, 30_000);
});
