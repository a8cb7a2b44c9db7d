import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ERROR_KINDS, type ErrorName, RETRY_AFTER_MS, STATUS } from "../../../src/contract/errors.ts";
import { dialects } from "../../../src/dialects/index.ts";

test("docs/errors.md gives every kind its status and its name in each dialect", () => {
  const page = readFileSync(join(import.meta.dir, "../../../docs/errors.md"), "utf8");
  const documented = page.split("\n").flatMap((line) => /^(\| `\w+` \|.*\|.*\|.*\|) [^|]*\|$/.exec(line)?.[1] ?? []);
  const named = ({ type, code, status }: ErrorName) =>
    [type + (status === undefined ? "" : ` (${status})`), code].filter(Boolean).join(", ");
  const { anthropic, openai } = dialects;
  const expected = ERROR_KINDS.map(
    (kind) => `| \`${kind}\` | ${STATUS[kind]} | ${named(anthropic.errorNames[kind])} | ${named(openai.errorNames[kind])} |`,
  );
  expect(documented).toEqual(expected);
});

test("every 503 that is our own says when to come back", () => {
  const own = ERROR_KINDS.filter((kind) => STATUS[kind] === 503 && !kind.startsWith("upstream_"));
  expect(own.length).toBeGreaterThan(2);
  expect(own.filter((kind) => RETRY_AFTER_MS[kind] === undefined)).toEqual([]);
});
