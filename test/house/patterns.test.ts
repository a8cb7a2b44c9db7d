/** The time that a regular expression takes grows with the length of its text, and not with the square of it. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { attacks, MADE, type Pattern, patternsOf, tookMs, UNREACHED } from "./patterns.ts";

const ROOT = join(import.meta.dir, "../..");
/** The first is for patterns whose time grows exponentially. */
const LENGTHS = [24, 1_000, 32_000];
/** A pattern whose time grows with its text takes less than a tenth of this; one whose time grows with the square, several times as much. */
const SLOW_MS = 15;

function slow(pattern: Pick<Pattern, "source" | "flags">): string | undefined {
  for (const length of LENGTHS)
    for (const text of attacks(pattern, length)) {
      const ms = tookMs(pattern, text, SLOW_MS);
      if (ms > SLOW_MS) return `${length} characters, ${JSON.stringify(text.slice(0, 40))} and so on: ${Math.round(ms)} ms`;
    }
  return undefined;
}

const files = ["src", "workers"].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`),
);
const found = files.map((file) => ({ file, ...patternsOf(file, readFileSync(join(ROOT, file), "utf8")) }));
const isUnreached = ({ file }: { file: string }) => UNREACHED.some((one) => file.startsWith(one.file));

test("every pattern that a stranger's text may reach is linear, whatever the text repeats", () => {
  const reached = found.filter((one) => !isUnreached(one)).flatMap(({ patterns }) => patterns);
  expect(reached.length).toBeGreaterThan(60);
  const verdicts = reached.flatMap((pattern) => {
    const how = slow(pattern);
    return how === undefined ? [] : [`${pattern.file}: /${pattern.source}/${pattern.flags}: ${how}`];
  });
  expect(verdicts).toEqual([]);
}, 60_000);

test("patterns that are put together as the program runs are made in few places, each with its reason", () => {
  const makers = found.filter((one) => one.makes && !isUnreached(one)).map(({ file }) => file);
  expect(makers.sort()).toEqual(MADE.map(({ file }) => file).sort());
});

describe("this test finds", () => {
  const wrong = [
    /too many (?:tokens|requests)\b.*\bwait/i,
    /[\t ]*,[\t ]*/,
    /\/+$/,
    /(?:a+)+$/,
    /^(?:a|a)*$/,
    /\s+$/,
    /<[^>]*>/,
    /(\w+)\s*=\s*(\w+);/,
    /"type"\s*\s*:/,
  ];
  for (const pattern of wrong) test(`${pattern}`, () => expect(slow(pattern)).toBeDefined(), 20_000);
  for (const pattern of [/^[\w.-]+$/, /\n\r?\n/, /"type"\s*:\s*"(?:url|file)"/, /[\r\n]+/g])
    test(`nothing wrong with ${pattern}`, () => expect(slow(pattern)).toBeUndefined());
});
