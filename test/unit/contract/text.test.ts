import { expect, test } from "bun:test";
import { clipped, sizeText } from "../../../src/contract/text.ts";

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

test("a size is said in the largest unit that it reaches, never as 0", () => {
  const sizes = [1, 1023, 1024, 100_000, 1024 ** 2, 1.5 * 1024 ** 2, 32 * 1024 ** 2, 3 * 1024 ** 3];
  expect(sizes.map(sizeText)).toEqual(["1 bytes", "1023 bytes", "1 KiB", "97.656 KiB", "1 MiB", "1.5 MiB", "32 MiB", "3 GiB"]);
});
