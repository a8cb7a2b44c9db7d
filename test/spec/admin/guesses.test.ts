import { expect, test } from "bun:test";
import { Guesses } from "../../../src/admin/guesses.ts";

function clocked() {
  const clock = { nowMs: 0 };
  return { clock, guesses: new Guesses(() => clock.nowMs) };
}

function guess(guesses: Guesses, address: string, from: number, count: number): void {
  for (let at = from; at < from + count; at++) guesses.wrong(address, `digest ${at}`);
}

test("ten different wrong tokens are free, each further one is followed by a wait that doubles to ten seconds and no longer", () => {
  const { clock, guesses } = clocked();
  guess(guesses, "10.0.0.1", 0, 10);
  expect(guesses.waitMs("10.0.0.1")).toBe(0);
  const waits: number[] = [];
  for (let at = 10; at < 16; at++) {
    guess(guesses, "10.0.0.1", at, 1);
    waits.push(guesses.waitMs("10.0.0.1"));
    clock.nowMs += guesses.waitMs("10.0.0.1");
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(guesses.waitMs("10.0.0.1")).toBe(0);
  expect(guesses.waitMs("10.0.0.2")).toBe(0);
});

test("the same wrong token again is no guess: a script with an old token locks no one out", () => {
  const { guesses } = clocked();
  for (let at = 0; at < 1_000; at++) guesses.wrong("10.0.0.1", "an old one");
  expect(guesses.waitMs("10.0.0.1")).toBe(0);
});

test("after ten minutes without a wrong token an address begins anew", () => {
  const { clock, guesses } = clocked();
  guess(guesses, "10.0.0.1", 0, 14);
  clock.nowMs = 600_001;
  guess(guesses, "10.0.0.1", 14, 10);
  expect(guesses.waitMs("10.0.0.1")).toBe(0);
  guess(guesses, "10.0.0.1", 24, 1);
  expect(guesses.waitMs("10.0.0.1")).toBe(1_000);
});

test("the addresses of one IPv6 network are one guesser, and those of another are not", () => {
  const { guesses } = clocked();
  for (let at = 0; at < 11; at++) guesses.wrong(`2001:db8:1:2::${at.toString(16)}`, `digest ${at}`);
  expect(guesses.waitMs("2001:db8:1:2:aaaa:bbbb:cccc:dddd")).toBe(1_000);
  expect(guesses.waitMs("2001:db8:1:3::1")).toBe(0);
  guess(guesses, "::1", 0, 11);
  expect(guesses.waitMs("::1")).toBe(1_000);
  for (const [at, digest] of Array.from({ length: 11 }, (_, at) => [at, `mapped ${at}`] as const))
    guesses.wrong(`::ffff:10.0.0.${at}`, digest);
  expect(guesses.waitMs("::ffff:10.0.0.1")).toBe(0);
});

test("of a flood of addresses the first are forgotten, and one that is guessing now is kept", () => {
  const { guesses } = clocked();
  guess(guesses, "first", 0, 11);
  for (let at = 0; at < 999; at++) guesses.wrong(`address ${at}`, "digest");
  expect(guesses.waitMs("first")).toBe(1_000);
  guess(guesses, "first", 11, 1);
  for (let at = 0; at < 999; at++) guesses.wrong(`other ${at}`, "digest");
  expect(guesses.waitMs("first")).toBe(2_000);
  guesses.wrong("one more", "digest");
  expect(guesses.waitMs("first")).toBe(0);
});
