/**
 * What the router costs for each call, in nanoseconds: affinity, health, retry budget and the upstream's bound together. This is not a test; run it:
 *
 *   bun bench/routing.ts [rounds]
 *
 * It measures all that the router does for one call: the session from the headers, the choice of a target, an answer that begins well, and the end of the
 * attempt. Each round measures every variant once. At the end the median of each variant is printed, with its least and its most.
 */
import { hashText } from "../src/contract/hash.ts";
import { sessionHash } from "../src/request/client/caller.ts";
import { HealthBook } from "../src/routing/health.ts";
import { type Choice, type Choices, Router } from "../src/routing/router.ts";

const CALLS = 200_000;
const SESSIONS = 1_000;

const book = new HealthBook();

/** @param affinity whether conversations keep their target */
function choices(name: string, count: number, affinity: boolean): Choices<Choice> {
  const targets = Array.from({ length: count }, (_, index): Choice => {
    const seed = hashText(`${name}\n${index}`);
    return { rank: 0, weight: 1, seed, health: book.of(`${name}-${index}`, "m"), upstream: { maxCalls: 10_000 } };
  });
  const [first, ...others] = targets;
  if (first === undefined) throw new Error("no targets");
  return { workspace: "acme", targets: [first, ...others], credits: [], seed: hashText(name), affinity };
}

const sessions = Array.from({ length: SESSIONS }, (_, index) => new Headers({ "x-claude-code-session-id": `session-${index}` }));
const none = new Headers({ "content-type": "application/json" });

interface Variant {
  name: string;
  among: Choices<Choice>;
  hasSession: boolean;
}

const VARIANTS: readonly Variant[] = [
  { name: "one target", among: choices("one", 1, true), hasSession: false },
  { name: "two targets, by weight", among: choices("two-by-weight", 2, false), hasSession: false },
  { name: "two targets, a session each", among: choices("two", 2, true), hasSession: true },
  { name: "four targets, a session each", among: choices("four", 4, true), hasSession: true },
];

/** Nanoseconds for each call. */
function measure({ among, hasSession }: Variant, router: Router<Choice>): number {
  const isChoice = among.targets.length > 1;
  const startedMs = performance.now();
  for (let call = 0; call < CALLS; call++) {
    // The front does so too: a session counts only where there is more than one target.
    const conversation = isChoice ? sessionHash(hasSession ? (sessions[call % SESSIONS] as Headers) : none) : 0;
    const attempt = router.first(among, conversation, performance.now());
    if (attempt === undefined) throw new Error("no room");
    router.answered(attempt, performance.now());
    router.ended(attempt, "ok", undefined, performance.now());
  }
  return ((performance.now() - startedMs) * 1e6) / CALLS;
}

const rounds = Number(process.argv[2] ?? 9);
const router = new Router<Choice>();
const taken = new Map<string, number[]>(VARIANTS.map(({ name }) => [name, []]));
// The first round only warms up the runtime.
for (let round = 0; round <= rounds; round++) {
  const order = round % 2 === 0 ? VARIANTS : VARIANTS.toReversed();
  for (const variant of order) {
    const ns = measure(variant, router);
    if (round > 0) taken.get(variant.name)?.push(ns);
  }
}
for (const [name, all] of taken) {
  all.sort((one, other) => one - other);
  const [least = 0, median = 0, most = 0] = [all[0], all[all.length >> 1], all.at(-1)];
  console.log(`${name}: ${Math.round(median)} ns per call (${Math.round(least)} to ${Math.round(most)})`);
}
