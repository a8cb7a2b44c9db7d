import { expect, test } from "bun:test";
import { MemoryStore } from "../../../src/limiter/memory.ts";
import { ask, Clock, examine } from "./exam.ts";

examine("memory", async (clock) => ({ store: new MemoryStore({ nowUs: clock.read }), end: async () => {} }));

test("windows that have been idle for a minute are forgotten", () => {
  const clock = new Clock();
  const store = new MemoryStore({ nowUs: clock.read });
  for (let n = 0; n < 1000; n++) store.reserve(ask(`w${n}/m`));
  expect(store.size).toBe(1000);
  clock.ms(61_000);
  store.reserve(ask("w/m"));
  expect(store.size).toBe(1);
});

test("windows that hold something are kept when others are forgotten", () => {
  const clock = new Clock();
  const store = new MemoryStore({ nowUs: clock.read });
  store.reserve(ask("idle/m"));
  clock.ms(30_000);
  store.reserve(ask("busy/m"));
  clock.ms(31_000);
  store.reserve(ask("new/m"));
  expect(store.size).toBe(2);
  expect(store.reserve(ask("busy/m", { requests: 0, tokens: 0 }))).toMatchObject({ requests: 1, tokens: 100 });
});
