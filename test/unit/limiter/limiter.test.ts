import { expect, test } from "bun:test";
import { type Ask, type Decision, Limiter, type LimiterOptions, type Reservation } from "../../../src/limiter/limiter.ts";
import { MemoryStore } from "../../../src/limiter/memory.ts";
import { type LimiterStore, type StoreAnswer, type StoreAsk, StoreFailure } from "../../../src/limiter/store.ts";
import { eventually } from "../../support/waits.ts";
import { Clock } from "./exam.ts";

const RPM = 5;
const TPM = 10_000;

function ask(change: Partial<Ask> = {}): Ask {
  return { workspace: "acme", model: "gpt-4o", window: "calls", rpm: RPM, tpm: TPM, input: 100, bound: undefined, output: 256, ...change };
}

function inMemory(change: Partial<LimiterOptions> = {}): { limiter: Limiter; clock: Clock } {
  const clock = new Clock();
  return { limiter: new Limiter({ store: new MemoryStore({ nowUs: clock.read }), ...change }), clock };
}

async function admitted(limiter: Limiter, change: Partial<Ask> = {}): Promise<Reservation> {
  const decision = await limiter.reserve(ask(change));
  if (decision.outcome !== "admitted") throw new Error(`not admitted: ${decision.outcome}`);
  return decision.reservation;
}

async function used(limiter: Limiter): Promise<[number, number]> {
  const usage = await limiter.usage("acme", "gpt-4o", RPM, TPM);
  return [usage?.requests.used ?? -1, usage?.tokens.used ?? -1];
}

test("a reservation is the input and the expected output, and the windows say what is left", async () => {
  const { limiter } = inMemory();
  const decision = await limiter.reserve(ask());
  expect(decision).toMatchObject({
    outcome: "admitted",
    reservation: { workspace: "acme", model: "gpt-4o", tokens: 356 },
    windows: { requests: { limit: RPM, remaining: RPM - 1 }, tokens: { limit: TPM, remaining: TPM - 356 } },
  });
});

test("the expected output is cut to what the limit leaves beside the input", async () => {
  const { limiter } = inMemory();
  expect((await admitted(limiter, { input: 9000, output: 50_000 })).tokens).toBe(TPM);
});

test("an input larger than the limit is too large, whatever the window holds", async () => {
  const { limiter } = inMemory();
  expect(await limiter.reserve(ask({ input: TPM + 1 }))).toMatchObject({
    outcome: "too_large",
    limit: TPM,
    requested: TPM + 1,
    windows: { tokens: { limit: TPM, remaining: TPM } },
  });
  expect((await limiter.reserve(ask({ input: TPM }))).outcome).toBe("admitted");
});

test("a refusal says which window, how much is used, what was asked for and how long to wait", async () => {
  const { limiter, clock } = inMemory();
  await admitted(limiter, { input: 9000 });
  const byTokens = await limiter.reserve(ask({ input: 600 }));
  expect(byTokens).toMatchObject({ outcome: "tokens", limit: TPM, used: 9256, requested: 856, windows: { tokens: { remaining: 744 } } });
  for (let n = 1; n < RPM; n++) await admitted(limiter, { input: 1, output: 1 });
  expect(await limiter.reserve(ask({ input: 1, output: 1 }))).toMatchObject({ outcome: "requests", limit: RPM, used: RPM, requested: 1 });
  clock.ms(byTokens.outcome === "tokens" ? byTokens.retryAfterMs : 0);
  expect((await limiter.reserve(ask({ input: 600 }))).outcome).toBe("admitted");
});

test("a settlement leaves what was really used, and a second one changes nothing", async () => {
  const { limiter } = inMemory();
  const reservation = await admitted(limiter, { input: 1000 });
  limiter.settle(reservation, 700);
  expect(await used(limiter)).toEqual([1, 700]);
  limiter.settle(reservation, 5000);
  limiter.refund(reservation);
  limiter.correct(reservation, 9000);
  expect(await used(limiter)).toEqual([1, 700]);
});

test("a refund gives back request and tokens, once", async () => {
  const { limiter } = inMemory();
  await admitted(limiter);
  const reservation = await admitted(limiter);
  limiter.refund(reservation);
  limiter.refund(reservation);
  limiter.settle(reservation, 999);
  expect(await used(limiter)).toEqual([1, 356]);
});

test("an answer longer than its reservation is debt, and the debt is reported", async () => {
  const debts: unknown[] = [];
  const { limiter } = inMemory({ onDebt: (...debt) => debts.push(debt) });
  const reservation = await admitted(limiter, { input: 100, output: 256 });
  limiter.settle(reservation, 2356);
  expect(debts).toEqual([["acme", "gpt-4o", 2000]]);
  expect(await used(limiter)).toEqual([1, 2356]);
});

test("a guess goes in one trip where there is room for its bound, and is corrected where it was far off", async () => {
  const { limiter } = inMemory();
  const reservation = await admitted(limiter, { input: 1000, bound: 4000 });
  expect(reservation.tokens).toBe(1256);
  limiter.correct(reservation, 1050);
  expect(reservation.tokens).toBe(1256);
  limiter.correct(reservation, 3000);
  expect(reservation.tokens).toBe(3256);
  expect(await used(limiter)).toEqual([1, 3256]);
  limiter.correct(reservation, 200);
  expect(await used(limiter)).toEqual([1, 456]);
  limiter.settle(reservation, 300);
  expect(await used(limiter)).toEqual([1, 300]);
});

test("a guess whose bound may not fit must be weighed, and nothing is taken", async () => {
  const { limiter } = inMemory();
  await admitted(limiter, { input: 6000 });
  expect(await limiter.reserve(ask({ input: 1000, bound: 4000 }))).toEqual({ outcome: "weigh" });
  expect(await limiter.reserve(ask({ input: 1000, bound: TPM + 1 }))).toEqual({ outcome: "weigh" });
  expect((await used(limiter))[0]).toBe(1);
  expect((await limiter.reserve(ask({ input: 1100 }))).outcome).toBe("admitted");
});

test("a changed limit is in force for the next call", async () => {
  const { limiter } = inMemory();
  await admitted(limiter);
  expect((await limiter.reserve(ask({ rpm: 1 }))).outcome).toBe("requests");
  expect((await limiter.reserve(ask({ rpm: 2 }))).outcome).toBe("admitted");
});

test("a figure that is no number cannot spoil the sums", async () => {
  const { limiter } = inMemory();
  expect((await admitted(limiter, { input: Number.NaN })).tokens).toBe(TPM);
  const other = await admitted(limiter, { model: "other", input: -50, output: 100 });
  expect(other.tokens).toBe(100);
  limiter.correct(other, Number.NaN);
  limiter.settle(other, Number.NaN);
  expect((await limiter.usage("acme", "other", RPM, TPM))?.tokens.used).toBe(TPM);
});

test("usage shows what open calls of this process hold", async () => {
  const { limiter } = inMemory();
  const first = await admitted(limiter);
  const second = await admitted(limiter);
  limiter.settle(first, 40);
  expect(await limiter.usage("acme", "gpt-4o", RPM, TPM)).toEqual({
    requests: { limit: RPM, used: 2, reserved: 1 },
    tokens: { limit: TPM, used: 396, reserved: 356 },
  });
  limiter.settle(second, 10);
  expect((await limiter.usage("acme", "gpt-4o", RPM, TPM))?.tokens).toEqual({ limit: TPM, used: 50, reserved: 0 });
});

test("an open call holds nothing of a window that it has left", async () => {
  const { limiter, clock } = inMemory();
  await admitted(limiter);
  clock.ms(61_000);
  expect(await limiter.usage("acme", "gpt-4o", RPM, TPM)).toEqual({
    requests: { limit: RPM, used: 0, reserved: 0 },
    tokens: { limit: TPM, used: 0, reserved: 0 },
  });
});

test("the state `memory` is always ready", () => {
  const { limiter } = inMemory();
  expect(limiter.state).toBe("memory");
  expect(limiter.ready().ok).toBe(true);
});

/** A store in place of Redis, which fails when the test wants it to. Outages of a real Redis are in outage.test.ts. */
class Puppet implements LimiterStore {
  readonly name = "redis";
  up = true;
  /** Takes effect, but the answer is lost until `deliver`. */
  mute = false;
  calls = 0;
  readonly inner = new MemoryStore();
  readonly #late: (() => void)[] = [];
  /** The store reports its failures as `RedisStore` does. */
  onFailure: (failure: StoreFailure) => void = () => {};

  async reserve(storeAsk: StoreAsk): Promise<StoreAnswer> {
    this.calls++;
    if (this.up && !this.mute) return this.inner.reserve(storeAsk);
    if (this.mute) {
      const answer = this.inner.reserve(storeAsk);
      this.#late.push(() => storeAsk.late?.(answer));
    }
    const failure = new StoreFailure("timeout", "no answer");
    this.onFailure(failure);
    throw failure;
  }

  deliver(): void {
    for (const late of this.#late.splice(0)) late();
  }

  adjust(adjustment: Parameters<LimiterStore["adjust"]>[0]): void {
    this.inner.adjust(adjustment);
  }

  async flush(): Promise<void> {}

  async probe(): Promise<void> {
    if (!this.up) throw new StoreFailure("timeout", "no answer");
  }

  async close(): Promise<void> {}
}

async function withPuppet(change: Partial<LimiterOptions>): Promise<{ limiter: Limiter; puppet: Puppet; changes: string[] }> {
  const puppet = new Puppet();
  const changes: string[] = [];
  const limiter = new Limiter({
    store: puppet,
    local: new MemoryStore(),
    failures: 3,
    probeEveryMs: 10,
    onState: (state, before) => changes.push(`${before} → ${state}`),
    ...change,
  });
  puppet.onFailure = (failure) => limiter.storeFailed(failure);
  await limiter.contact(1000);
  return { limiter, puppet, changes };
}

test("before the first contact the policy is in force, and `closed` is not ready", async () => {
  const puppet = new Puppet();
  puppet.up = false;
  const limiter = new Limiter({ store: puppet, policy: "closed", probeEveryMs: 10 });
  expect(await limiter.contact(50)).toBe(false);
  expect(limiter.state).toBe("closed");
  expect(limiter.ready().ok).toBe(false);
  expect(await limiter.reserve(ask())).toEqual({ outcome: "unavailable" });
  expect(puppet.calls).toBe(0);
  puppet.up = true;
  expect(await limiter.contact(1000)).toBe(true);
  expect(limiter.ready()).toEqual({ ok: true, detail: "redis" });
  await limiter.close();
});

test("after failures in a row the policy decides at once, until a probe succeeds; each change is reported once", async () => {
  const { limiter, puppet, changes } = await withPuppet({ policy: "local" });
  puppet.up = false;
  for (let n = 0; n < 5; n++) expect((await limiter.reserve(ask())).outcome).toBe("admitted");
  expect(puppet.calls).toBe(3);
  // The policy counts calls, too.
  expect((await limiter.reserve(ask())).outcome).toBe("requests");
  expect(limiter.state).toBe("local");
  expect(limiter.ready()).toMatchObject({ ok: true });
  expect(limiter.ready().detail).toContain("no answer");
  puppet.up = true;
  await eventually(() => limiter.state === "redis", "a probe to succeed");
  expect((await limiter.reserve(ask())).outcome).toBe("admitted");
  expect(changes).toEqual(["local → redis", "redis → local", "local → redis"]);
  await limiter.close();
});

test("failures with a success between them do not open the breaker", async () => {
  const { limiter, puppet, changes } = await withPuppet({ policy: "closed" });
  for (let n = 0; n < 12; n++) {
    puppet.up = n % 3 === 0;
    await limiter.reserve(ask({ rpm: 100 }));
  }
  expect(changes).toEqual(["closed → redis"]);
  await limiter.close();
});

test("under `open` no window counts, and to settle such a call does no harm", async () => {
  const { limiter, puppet } = await withPuppet({ policy: "open" });
  puppet.up = false;
  for (let n = 0; n < 20; n++) {
    const decision: Decision = await limiter.reserve(ask());
    expect(decision).toMatchObject({ outcome: "admitted", windows: undefined });
    if (decision.outcome !== "admitted") continue;
    limiter.correct(decision.reservation, 5);
    limiter.settle(decision.reservation, 5);
  }
  expect(await limiter.usage("acme", "gpt-4o", RPM, TPM)).toBeUndefined();
  await limiter.close();
});

test("a reservation whose answer came too late is given back where the call was refused, and stays where it was admitted", async () => {
  for (const [policy, left] of [
    ["closed", 0],
    ["local", 2],
    ["open", 2],
  ] as const) {
    const { limiter, puppet } = await withPuppet({ policy });
    puppet.mute = true;
    await Promise.all([limiter.reserve(ask()), limiter.reserve(ask())]);
    puppet.deliver();
    puppet.mute = false;
    expect((await used(limiter))[0]).toBe(left);
    await limiter.close();
  }
});

test("what the store refuses too late gives nothing back: it had taken nothing", async () => {
  const { limiter, puppet } = await withPuppet({ policy: "closed" });
  for (let n = 0; n < RPM; n++) await admitted(limiter);
  puppet.mute = true;
  expect(await limiter.reserve(ask())).toEqual({ outcome: "unavailable" });
  puppet.deliver();
  puppet.mute = false;
  expect((await used(limiter))[0]).toBe(RPM);
  await limiter.close();
});
