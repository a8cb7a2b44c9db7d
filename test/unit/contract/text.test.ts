import { expect, test } from "bun:test";
import { clipped } from "../../../src/contract/text.ts";

test("a text is cut between characters, and says that it was cut", () => {
  expect(clipped("abc", 3)).toBe("abc");
  expect(clipped("abcd", 3)).toBe("abc…");
  expect(clipped("", 3)).toBe("");
  // Four places of a string, two characters.
  expect(clipped("😀😀", 2)).toBe("😀😀");
  expect(clipped("😀😀", 1)).toBe("😀…");
  expect(clipped("a😀b😀c", 3)).toBe("a😀b…");
  for (let most = 1; most < 9; most++) expect(clipped("😀a😀b😀c😀d", most).isWellFormed()).toBe(true);
});
