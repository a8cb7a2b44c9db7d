import { expect, test } from "bun:test";
import { type Loaded, Renewed, withDeadline } from "../../../../workers/providers/renewed.ts";

/** A new value for each load, good for 100 s and renewed after 80 s, by a clock that the test moves. */
function world() {
  const state = { nowMs: 0, loads: 0, failing: false, pending: [] as (() => void)[] };
  const renewed = new Renewed<number>(
    () =>
      new Promise<Loaded<number>>((resolve, reject) => {
        const value = ++state.loads;
        const { failing } = state;
        state.pending.push(() =>
          failing
            ? reject(new Error(`load ${value} failed`))
            : resolve({ value, expiresAtMs: state.nowMs + 100_000, renewAtMs: state.nowMs + 80_000 }),
        );
      }),
    () => state.nowMs,
  );
  const finish = async () => {
    for (const settle of state.pending.splice(0)) settle();
    await Promise.resolve();
    await new Promise<void>((resolve) => setImmediate(resolve));
  };
  return { state, renewed, finish };
}

/** The value, or the message of the failure; it is awaited at once, so that no rejection is unhandled. */
async function outcome<T>(value: T | Promise<T>): Promise<T | string> {
  try {
    return await value;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

test("the first callers share one load, later ones have the value at once", async () => {
  const { state, renewed, finish } = world();
  const first = [renewed.get(), renewed.get()];
  await finish();
  expect(await Promise.all(first)).toEqual([1, 1]);
  expect(renewed.get()).toBe(1);
  expect(state.loads).toBe(1);
});

test("a value is renewed early, by one load, while the old one is still used", async () => {
  const { state, renewed, finish } = world();
  renewed.get();
  await finish();
  state.nowMs = 80_000;
  expect([renewed.get(), renewed.get()]).toEqual([1, 1]);
  expect(state.loads).toBe(2);
  await finish();
  expect(renewed.get()).toBe(2);
});

test("a renewal that fails leaves the old value until it expires, and is tried again after a pause", async () => {
  const { state, renewed, finish } = world();
  renewed.get();
  await finish();
  state.failing = true;
  state.nowMs = 80_000;
  expect(renewed.get()).toBe(1);
  await finish();
  state.nowMs = 89_999;
  expect(renewed.get()).toBe(1);
  expect(state.loads).toBe(2);
  state.nowMs = 90_000;
  expect(renewed.get()).toBe(1);
  expect(state.loads).toBe(3);
  await finish();
  state.nowMs = 100_000;
  const expired = outcome(renewed.get());
  await finish();
  expect(await expired).toBe("load 4 failed");
});

test("a failure is remembered for a moment and then forgotten", async () => {
  const { state, renewed, finish } = world();
  state.failing = true;
  const first = outcome(renewed.get());
  await finish();
  expect(await first).toBe("load 1 failed");
  state.nowMs = 1_999;
  expect(await outcome(renewed.get())).toBe("load 1 failed");
  expect(state.loads).toBe(1);
  state.nowMs = 2_000;
  state.failing = false;
  const second = renewed.get();
  await finish();
  expect(await second).toBe(2);
});

test("a value that the upstream has refused is fetched again at the next call", async () => {
  const { state, renewed, finish } = world();
  renewed.get();
  await finish();
  state.nowMs = 20_000;
  renewed.suspect();
  expect(renewed.get()).toBe(1);
  await finish();
  expect(renewed.get()).toBe(2);
  expect(state.loads).toBe(2);
});

test("a value that has expired when it comes is not given out", async () => {
  const stale = new Renewed(
    () => Promise.resolve({ value: "stale", expiresAtMs: 5, renewAtMs: 0 }),
    () => 10,
  );
  expect(await outcome(stale.get())).toContain("already expired");
});

test("a load without a result is given up after its time limit, and a result or a failure in time passes", async () => {
  expect(await outcome(withDeadline(new Promise<never>(() => {}), 5))).toBe("no answer in 0.005 s");
  expect(await withDeadline(Promise.resolve("keys"), 5_000)).toBe("keys");
  expect(await outcome(withDeadline(Promise.reject(new Error("no role here")), 5_000))).toBe("no role here");
});
