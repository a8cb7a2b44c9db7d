/** Keys that the replica does not know, on a clock that the test sets. */
import { beforeEach, describe, expect, test } from "bun:test";
import { Misses } from "../../../src/directory/misses.ts";
import type { StoredKey } from "../../../src/directory/store.ts";
import { storedKey } from "./stored.ts";

describe("a key that is not known here", () => {
  let nowMs = 0;
  let asked: string[] = [];
  let exists = new Map<string, StoredKey>();
  let isAway = false;
  let misses: Misses;

  beforeEach(() => {
    nowMs = 1_000;
    asked = [];
    exists = new Map();
    isAway = false;
    const find = async (sha256: string) => {
      asked.push(sha256);
      if (isAway) throw new Error("away");
      return exists.get(sha256);
    };
    misses = new Misses({ find, perSecond: 10, nowMs: () => nowMs });
  });

  test("is asked of the store, and found", async () => {
    const key = storedKey("found");
    exists.set(key.sha256, key);
    expect(await misses.ask(key.sha256)).toEqual(key);
  });

  test("is asked for once, however many requests need it at that moment", async () => {
    const answers = Array.from({ length: 50 }, () => misses.ask("a"));
    expect(await Promise.all(answers)).toEqual(Array(50).fill(undefined));
    expect(asked).toEqual(["a"]);
  });

  test("is not asked for again where there was none, until something has changed", async () => {
    await misses.ask("a");
    expect(misses.ask("a")).toBeUndefined();
    misses.forget();
    await misses.ask("a");
    expect(asked).toEqual(["a", "a"]);
  });

  test("is asked for at most a set number of times a second", async () => {
    const ask = async (from: number, count: number) => {
      for (let at = from; at < from + count; at++) await misses.ask(`key-${at}`);
    };
    await ask(0, 100);
    expect(asked.length).toBe(10);
    nowMs += 500;
    await ask(100, 100);
    expect(asked.length).toBe(15);
    nowMs += 60_000;
    await ask(200, 100);
    expect(asked.length).toBe(25);
  });

  test("is unknown while the store is away, and asked for again when it is back", async () => {
    isAway = true;
    expect(await misses.ask("a")).toBeUndefined();
    isAway = false;
    exists.set("a", storedKey("a"));
    expect(await misses.ask("a")).toMatchObject({ name: "a" });
  });

  test("is forgotten where 10,000 others came after it", async () => {
    const ask = async (sha256: string) => {
      nowMs += 100;
      await misses.ask(sha256);
    };
    for (let at = 0; at <= 10_000; at++) await ask(`key-${at}`);
    expect(asked.length).toBe(10_001);
    await ask("key-2");
    expect(asked.length).toBe(10_001);
    await ask("key-0");
    expect(asked.length).toBe(10_002);
  });
});
