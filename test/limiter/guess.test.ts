import { expect, test } from "bun:test";
import { InputGuess } from "../../src/limiter/guess.ts";

test("before anything is learned, three tokens in ten bytes are guessed", () => {
  expect(new InputGuess().tokens("w", "m", 1000)).toBe(300);
});

test("the guess follows what bodies weighed, for each workspace and model apart", () => {
  const guess = new InputGuess();
  for (let n = 0; n < 200; n++) guess.learn("w", "m", 2000, 1200);
  expect(guess.tokens("w", "m", 1000)).toBeWithin(590, 601);
  expect(guess.tokens("w", "other", 1000)).toBe(300);
});

test("older experience fades", () => {
  const guess = new InputGuess();
  for (let n = 0; n < 1000; n++) guess.learn("w", "m", 2000, 1800);
  for (let n = 0; n < 1000; n++) guess.learn("w", "m", 2000, 400);
  expect(guess.tokens("w", "m", 1000)).toBeWithin(200, 215);
});

test("one huge body does not decide for ever, and figures that are none are not learned", () => {
  const guess = new InputGuess();
  guess.learn("w", "m", 20_000_000, 0);
  for (let n = 0; n < 2500; n++) guess.learn("w", "m", 2000, 500);
  expect(guess.tokens("w", "m", 1000)).toBeWithin(240, 251);
  guess.learn("w", "m", 0, 10);
  guess.learn("w", "m", Number.NaN, Number.NaN);
  expect(guess.tokens("w", "m", 1000)).toBeWithin(240, 251);
});

test("memory is bounded", () => {
  const guess = new InputGuess(2);
  for (let n = 0; n < 10; n++) guess.learn(`w${n}`, "m", 400_000, 400_000);
  expect(guess.tokens("w0", "m", 1000)).toBe(300);
  expect(guess.tokens("w9", "m", 1000)).toBeGreaterThan(900);
});
