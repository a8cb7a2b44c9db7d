/** What only a whole configuration can tell: it is good, and hardly what was meant. */
import { expect, test } from "bun:test";
import { load, SMALL } from "../../support/config-sample.ts";

test("a limit of tokens that hardly any request fits is a warning", () => {
  const warningsOf = (tpm: number) => load(`${SMALL}\nlimits: { tpm: ${tpm} }`).warnings;
  expect(warningsOf(256)).toEqual([]);
  expect(warningsOf(255)).toEqual([expect.stringContaining("is so small that hardly any request fits")]);
});
