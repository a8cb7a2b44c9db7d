/** The circuit breaker of one target; the clock is an argument. */
import { describe, expect, test } from "bun:test";
import { TargetHealth } from "../../../src/routing/health.ts";

/** A target that has failed so often in a row at this time. */
function failing(times: number, nowMs = 0): TargetHealth {
  const health = new TargetHealth();
  for (let time = 0; time < times; time++) health.ended("bad", health.begin(nowMs), nowMs);
  return health;
}

describe("a breaker", () => {
  test("opens after five failures in a row, and not after four", () => {
    expect(failing(4).takes(0)).toBe(true);
    expect(failing(5).takes(0)).toBe(false);
    expect(failing(5).state).toBe("open");
  });

  test("opens after ten failures among the last twenty attempts, however they are spread", () => {
    const health = new TargetHealth();
    const opened = Array.from({ length: 20 }, (_, at) => health.ended(at % 2 === 0 ? "bad" : "good", false, 0));
    expect(opened.indexOf(true)).toBe(18);
  });

  test("forgets failures after twenty further attempts", () => {
    const health = new TargetHealth();
    for (let round = 0; round < 10; round++) {
      for (let at = 0; at < 4; at++) health.ended("bad", false, 0);
      for (let at = 0; at < 16; at++) health.ended("good", false, 0);
    }
    expect(health.state).toBe("closed");
  });

  test("does not count an outcome that says nothing about the target", () => {
    const health = failing(4);
    for (let at = 0; at < 50; at++) health.ended("nothing", false, 0);
    expect(health.state).toBe("closed");
    health.ended("bad", false, 0);
    expect(health.state).toBe("open");
  });

  test("lets one attempt probe after 5 s, and closes when that is good", () => {
    const health = failing(5);
    expect([health.takes(4_999), health.takes(5_000)]).toEqual([false, true]);
    expect(health.begin(5_000)).toBe(true);
    expect(health.state).toBe("half_open");
    expect(health.takes(5_001)).toBe(false);
    expect(health.ended("good", true, 5_100)).toBe(true);
    expect([health.state, health.takes(5_100)]).toEqual(["closed", true]);
  });

  test("waits twice as long after each probe that fails, up to a minute", () => {
    const health = failing(5);
    let nowMs = 0;
    const waited = Array.from({ length: 6 }, () => {
      const pauseMs = health.takesAtMs - nowMs;
      nowMs = health.takesAtMs;
      health.ended("bad", health.begin(nowMs), nowMs);
      return pauseMs;
    });
    expect(waited).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  test("lets another probe begin where one had no verdict, or never ended", () => {
    const health = failing(5);
    health.ended("nothing", health.begin(5_000), 5_500);
    expect(health.takes(5_500)).toBe(true);
    health.begin(5_500);
    expect([health.takes(10_499), health.takes(10_500)]).toEqual([false, true]);
  });

  test("is not changed by attempts that began before it opened", () => {
    const health = failing(5);
    for (let at = 0; at < 30; at++) expect(health.ended("good", false, 100)).toBe(false);
    expect(health.state).toBe("open");
  });

  test("leaves a target alone for as long as it asked, where that is more than 2 s", () => {
    const health = new TargetHealth();
    health.ended("bad", false, 0, 2_000);
    expect(health.takes(0)).toBe(true);
    health.ended("bad", false, 0, 30_000);
    expect([health.takes(29_999), health.takes(30_000), health.state]).toEqual([false, true, "closed"]);
  });
});
