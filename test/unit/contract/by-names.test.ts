import { expect, test } from "bun:test";
import { ByNames } from "../../../src/contract/by-names.ts";

test("a value is made once for each pair of names, and the order of the two names matters", () => {
  const made: string[] = [];
  const values = new ByNames<string>();
  const make = (first: string, second: string) => {
    made.push(`${first}/${second}`);
    return `${first}/${second}`;
  };
  expect([values.of("a", "b", make), values.of("b", "a", make), values.of("a", "b", make)]).toEqual(["a/b", "b/a", "a/b"]);
  expect(made).toEqual(["a/b", "b/a"]);
});

test("beyond its bound it forgets everything and begins again, and never holds more", () => {
  const values = new ByNames<object>(2);
  const first = values.of("a", "1", () => ({}));
  expect(values.of("a", "1", () => ({}))).toBe(first);
  values.of("a", "2", () => ({}));
  values.of("a", "3", () => ({}));
  expect(values.of("a", "1", () => ({}))).not.toBe(first);
});
