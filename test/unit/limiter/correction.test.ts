import { describe, expect, test } from "bun:test";
import { random } from "../../../bench/calibrate/samples.ts";
import { Correction } from "../../../src/limiter/correction.ts";

function taught(reports: number, ratio: (i: number) => number): Correction {
  const correction = new Correction();
  for (let i = 0; i < reports; i++) correction.learn(1000, 1000 * ratio(i));
  return correction;
}

describe("the correction of a model", () => {
  test("is 1 until a few reports have come", () => {
    expect(taught(7, () => 1.4).factor).toBe(1);
    expect(taught(8, () => 1.4).factor).toBeCloseTo(1.4, 2);
  });

  test("finds the ratio in noisy reports", () => {
    const next = random(2);
    expect(taught(500, () => 1.3 * Math.exp((next() - 0.5) * 0.4)).factor).toBeCloseTo(1.3, 1);
  });

  test("follows a lasting change", () => {
    const next = random(5);
    const noise = () => Math.exp((next() - 0.5) * 0.2);
    expect(taught(1500, (i) => (i < 500 ? 1 : 1.5) * noise()).factor).toBeWithin(1.4, 1.6);
  });

  test("is hardly moved by a few absurd reports", () => {
    const next = random(7);
    const factor = taught(500, (i) => (i % 50 === 49 ? 40 : Math.exp((next() - 0.5) * 0.2))).factor;
    expect(factor).toBeWithin(0.95, 1.1);
  });

  test("stays within its bounds", () => {
    expect(taught(2000, () => 1000).factor).toBe(2);
    expect(taught(2000, () => 0.001).factor).toBe(0.5);
  });

  test("learns little from tiny requests, and nothing from reports without tokens", () => {
    const correction = new Correction();
    for (let i = 0; i < 50; i++) correction.learn(100, 0);
    for (let i = 0; i < 50; i++) correction.learn(0, 100);
    for (let i = 0; i < 50; i++) correction.learn(Number.NaN, 100);
    expect(correction.factor).toBe(1);
    for (let i = 0; i < 200; i++) correction.learn(1000, 1000);
    for (let i = 0; i < 10; i++) correction.learn(5, 10);
    expect(correction.factor).toBeCloseTo(1, 1);
  });
});
