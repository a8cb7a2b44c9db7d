/** The target of a call: by rank, weight, conversation and health. */
import { describe, expect, test } from "bun:test";
import { GatewayError } from "../../../src/contract/errors.ts";
import { hashText } from "../../../src/contract/hash.ts";
import { TargetHealth } from "../../../src/routing/health.ts";
import { type Attempt, type Candidate, type Candidates, Router } from "../../../src/routing/router.ts";

interface Named extends Candidate {
  name: string;
}

function choices(
  ...targets: { name: string; rank?: number; weight?: number; maxCalls?: number }[]
): Candidates<Named> & { of(name: string): Named } {
  const all = targets.map(({ name, rank = 0, weight = 1, maxCalls }) => ({
    name,
    rank,
    weight,
    seed: hashText(name),
    health: new TargetHealth(),
    upstream: { maxCalls },
  }));
  const [first, ...others] = all.sort((one, other) => one.rank - other.rank);
  if (first === undefined) throw new Error("no targets");
  const of = (name: string) => all.find((target) => target.name === name) ?? first;
  return { targets: [first, ...others], workspace: "team", credits: [], seed: 1, affinity: true, of };
}

const conversations = Array.from({ length: 3_000 }, (_, index) => hashText(`conversation ${index}`));

function broken(target: Candidate): void {
  for (let time = 0; time < 5; time++) target.health.ended("bad", false, 0);
}

/** The first attempt of a call for which there is room. */
function first(router: Router<Named>, among: Candidates<Named>, conversation = 0, nowMs = 0): Attempt<Named> {
  const attempt = router.first(among, conversation, nowMs);
  if (attempt === undefined) throw new Error("no room");
  return attempt;
}

/** Follows a call whose attempts all fail. */
function tried(router: Router<Named>, among: Candidates<Named>, conversation = 0): string[] {
  const attempts = [first(router, among, conversation)];
  for (let next = router.next(among, conversation, 0, attempts); next; next = router.next(among, conversation, 0, attempts))
    attempts.push(next);
  return attempts.map(({ target }) => target.name);
}

describe("without a conversation", () => {
  test("targets of one rank share the calls by weight, evenly spread", () => {
    const among = choices({ name: "one", weight: 5 }, { name: "two" }, { name: "three" }, { name: "never", rank: 1, weight: 100 });
    const router = new Router<Named>();
    const turns = Array.from({ length: 14 }, () => first(router, among, 0, 0).target.name);
    expect(turns.slice(0, 7)).toEqual(["one", "one", "two", "one", "three", "one", "one"]);
    expect(turns.slice(7)).toEqual(turns.slice(0, 7));
  });

  test("a call that fails goes to each target once, by rank", () => {
    const among = choices({ name: "c", rank: 2 }, { name: "a", rank: 0 }, { name: "b", rank: 1 });
    expect(tried(new Router<Named>(), among)).toEqual(["a", "b", "c"]);
  });

  test("a target whose breaker is open gets no call until it may be probed", () => {
    const among = choices({ name: "a" }, { name: "b", rank: 1 });
    broken(among.of("a"));
    const router = new Router<Named>();
    expect(tried(router, among)).toEqual(["b"]);
    const probe = first(router, among, 0, 5_000);
    expect([probe.target.name, probe.isProbe, first(router, among, 0, 5_001).target.name]).toEqual(["a", true, "b"]);
    router.answered(probe, 5_010);
    expect(first(router, among, 0, 5_011).target.name).toBe("a");
  });

  test("where every breaker is open, a call has one attempt, at the target that may be probed first", () => {
    const among = choices({ name: "a" }, { name: "b", rank: 1 });
    broken(among.of("a"));
    broken(among.of("b"));
    among.of("a").health.ended("bad", among.of("a").health.begin(5_000), 5_000);
    expect(tried(new Router<Named>(), among)).toEqual(["b"]);
  });

  test("further attempts end where the budget does", () => {
    const among = choices({ name: "a" }, { name: "b", rank: 1 });
    const router = new Router<Named>();
    const lengths = Array.from({ length: 10 }, () => tried(router, among).length);
    expect(lengths).toEqual([2, 2, 2, 1, 1, 1, 1, 1, 1, 1]);
  });

  test("a workspace whose calls always fail uses up its own further attempts, and not those of others", () => {
    const among = choices({ name: "a" }, { name: "b", rank: 1 });
    const router = new Router<Named>();
    for (let call = 0; call < 100; call++) tried(router, { ...among, workspace: "failing" });
    expect(tried(router, { ...among, workspace: "failing" })).toEqual(["a"]);
    expect(tried(router, among)).toEqual(["a", "b"]);
  });
});

describe("a conversation", () => {
  const three = [{ name: "a", weight: 2 }, { name: "b" }, { name: "c" }];
  const placesOf = (among: Candidates<Named>) => {
    const router = new Router<Named>();
    return conversations.map((conversation) => first(router, among, conversation, 0).target.name);
  };

  test("stays with its target, in whatever order the list is, and the targets share the conversations by weight", () => {
    const places = placesOf(choices(...three));
    expect(placesOf(choices(...three.toReversed()))).toEqual(places);
    const share = (name: string) => places.filter((place) => place === name).length / places.length;
    expect(share("a")).toBeCloseTo(0.5, 1);
    expect(share("b")).toBeCloseTo(0.25, 1);
  });

  test("moves only when its target is down, and comes back afterwards", () => {
    const among = choices(...three);
    const before = placesOf(among);
    broken(among.of("b"));
    const meanwhile = placesOf(among);
    expect(meanwhile).not.toContain("b");
    expect(meanwhile.filter((place, index) => before[index] !== "b" && place !== before[index])).toEqual([]);
    const health = among.of("b").health;
    health.ended("good", health.begin(5_000), 5_000);
    expect(placesOf(among)).toEqual(before);
  });

  test("names the target that it has moved from, only while it is away from it", () => {
    const router = new Router<Named>();
    const among = choices({ name: "a" }, { name: "b", rank: 0 }, { name: "c", rank: 0 });
    const own = first(router, among, conversations[0]);
    expect(own.movedFrom).toBeUndefined();
    broken(own.target);
    expect(first(router, among, conversations[0]).movedFrom).toBe(own.target);
    // A conversation whose own target is healthy, and a call without a conversation, have not moved.
    const others = conversations.slice(1, 50).map((conversation) => first(router, among, conversation));
    expect(others.some(({ movedFrom }) => movedFrom === undefined)).toBe(true);
    for (const { target, movedFrom } of others) if (movedFrom !== undefined) expect(target).not.toBe(own.target);
    expect(first(router, among).movedFrom).toBeUndefined();
  });

  test("has other targets in another workspace or model", () => {
    const among = choices(...three);
    expect(placesOf({ ...among, seed: 99 })).not.toEqual(placesOf(among));
  });

  test("does not matter where the affinity of the model is off", () => {
    const among = { ...choices({ name: "a" }, { name: "b" }), affinity: false };
    const router = new Router<Named>();
    expect(new Set([1, 2].map(() => first(router, among, 7, 0).target.name)).size).toBe(2);
  });
});

test("a failure of the target counts against it; a bad request, and a client that left, do not", () => {
  const router = new Router<Named>();
  const verdicts = (["upstream_failed", "misconfigured", "upstream_rejected", "cancelled", "internal", "worker_lost"] as const).map(
    (kind) => {
      const among = choices({ name: "a" });
      for (let time = 0; time < 5; time++) {
        const { detail } = new GatewayError(kind, { message: "" });
        router.ended(first(router, among, 0, 0), kind, detail, 0);
      }
      return among.of("a").health.state;
    },
  );
  expect(verdicts).toEqual(["open", "open", "closed", "closed", "closed", "closed"]);
});

test("an answer that breaks off counts against its target although it began well", () => {
  const router = new Router<Named>();
  const among = choices({ name: "a" });
  for (let time = 0; time < 12; time++) {
    const attempt = first(router, among, 0, 0);
    router.answered(attempt, 0);
    router.ended(attempt, "upstream_malformed", undefined, 0);
  }
  expect(among.of("a").health.state).toBe("open");
});

describe("an upstream's bound", () => {
  const name = (attempt: Attempt<Named> | undefined) => attempt?.target.name;

  test("sends the calls above it to the next target, and refuses them where there is none", () => {
    const among = choices({ name: "a", maxCalls: 2 }, { name: "b", rank: 1, maxCalls: 1 });
    const router = new Router<Named>();
    const open = [1, 2, 3].map(() => first(router, among));
    expect(open.map(name)).toEqual(["a", "a", "b"]);
    expect(router.first(among, 0, 0)).toBeUndefined();
    router.ended(open[0] as Attempt<Named>, "ok", undefined, 0);
    // Each attempt ends once, however often that is reported.
    router.ended(open[0] as Attempt<Named>, "ok", undefined, 0);
    expect([name(router.first(among, 0, 0)), router.first(among, 0, 0)]).toEqual(["a", undefined]);
  });

  test("is kept by further attempts, and by conversations", () => {
    const among = choices({ name: "a" }, { name: "b", maxCalls: 1 });
    const router = new Router<Named>();
    const taken = conversations.map((conversation) => name(router.first(among, conversation, 0)));
    expect(taken.filter((place) => place === "b")).toHaveLength(1);
    const one = first(router, among);
    expect(router.next(among, 0, 0, [one])).toBeUndefined();
  });

  test("does not send calls to a target whose breaker is open, where a healthy one has no room", () => {
    const among = choices({ name: "a", maxCalls: 1 }, { name: "b", rank: 1 });
    broken(among.of("b"));
    const router = new Router<Named>();
    expect(name(router.first(among, 0, 0))).toBe("a");
    expect(router.first(among, 0, 0)).toBeUndefined();
    broken(among.of("a"));
    expect(name(router.first(among, 0, 0))).toBe("b");
  });
});

test("the attempt after a lost worker may go to the same target, and not to one that has failed", () => {
  const router = new Router<Named>();
  const among = choices({ name: "a" }, { name: "b", rank: 1 });
  expect(router.again(among, 0, 0, [])?.target.name).toBe("a");
  const failed = first(router, among);
  expect(router.again(among, 0, 0, [failed])?.target.name).toBe("b");
  expect([1, 2, 3, 4].map(() => router.mayRepeat("team", 0))).toEqual([true, true, true, false]);
});

test("the pause before a further attempt is by chance, up to a bound that doubles", () => {
  const longest = new Router<Named>(undefined, () => 0.999);
  expect([1, 2, 3, 20].map((failed) => Math.round(longest.pauseMs(failed)))).toEqual([25, 50, 100, 999]);
  expect(new Router<Named>(undefined, () => 0).pauseMs(5)).toBe(0);
});
