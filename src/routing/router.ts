import { type ErrorKind, type FailureDetail, TARGET_FAILURES } from "../contract/errors.ts";
import { liking } from "./affinity.ts";
import { RetryBudgets } from "./budget.ts";
import { TargetHealth, UpstreamHealth, type Verdict } from "./health.ts";

/** What the router must know of a target. */
export interface Choice {
  /** Targets of a lower rank are tried first. */
  readonly rank: number;
  readonly weight: number;
  /** Hash of what it is: upstream and model. */
  readonly seed: number;
  readonly health: TargetHealth;
  /** `maxCalls`: attempts at the upstream at a time, of all its targets in this process. */
  readonly upstream: { readonly maxCalls: number | undefined };
}

/** The targets of a model in one region for one workspace. */
export interface Choices<Target extends Choice> {
  readonly workspace: string;
  /** By rank. */
  readonly targets: readonly [Target, ...Target[]];
  /** How far each target is ahead of its share, or behind it: see `takeTurn`. */
  readonly credits: number[];
  /** Makes a conversation one of this workspace and model. */
  readonly seed: number;
  /** Conversations keep their target. */
  readonly affinity: boolean;
}

/** One target, tried for one call. */
export interface Attempt<Target extends Choice> {
  readonly target: Target;
  readonly isProbe: boolean;
  /** The conversation's own target, where that one could not have it; undefined elsewhere. */
  readonly movedFrom: Target | undefined;
  /** What it said of its target has been taken down. */
  isJudged: boolean;
  /** How it ended: `ok`, `cancelled` or a kind of failure; undefined while it lasts. */
  outcome: "ok" | ErrorKind | undefined;
}

/** The first pause before a further attempt lasts up to so long; each later one up to twice as long as the one before. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;

/** Told when the breaker of a target has opened or closed. `cause`: of the last attempt that failed, for the log. */
export type OnBreaker<Target extends Choice> = (target: Target, cause: string | undefined) => void;

/**
 * Where the calls of this process go: to the healthy targets of the lowest rank, each conversation to its own one; and after a failure that the client
 * has not seen, to the next target, as far as the budget goes. Where no target is healthy, a call has one attempt all the same, at the target that is to
 * be tried soonest: a breaker chooses among targets, and never makes a model unavailable that might answer.
 */
export class Router<Target extends Choice> {
  readonly #budgets = new RetryBudgets();
  readonly #onBreaker: OnBreaker<Target>;
  readonly #random: () => number;

  /** @param random - From 0 up to 1. */
  constructor(onBreaker: OnBreaker<Target> = () => {}, random: () => number = Math.random) {
    this.#onBreaker = onBreaker;
    this.#random = random;
  }

  /** The first attempt of a call; undefined where the upstreams have as many as they may. `conversation`: a hash, 0 where there is none. */
  first(choices: Choices<Target>, conversation: number, nowMs: number): Attempt<Target> | undefined {
    this.#budgets.of(choices.workspace).call(nowMs);
    const target = this.#choose(choices, conversation, nowMs, NONE) ?? soonest(choices.targets, nowMs);
    const own = ownTarget(choices, conversation, nowMs);
    return begin(target, nowMs, own === target ? undefined : own);
  }

  /** The attempt after those before, all of which failed; undefined where none is left or the budget is used up. */
  next(choices: Choices<Target>, conversation: number, nowMs: number, before: readonly Attempt<Target>[]): Attempt<Target> | undefined {
    const target = this.#choose(choices, conversation, nowMs, before);
    return target === undefined || !this.#budgets.of(choices.workspace).take(nowMs) ? undefined : begin(target, nowMs);
  }

  /** Whether the retry budget has room for a call whose worker was lost; takes of it. */
  mayRepeat(workspace: string, nowMs: number): boolean {
    return this.#budgets.of(workspace).take(nowMs);
  }

  /** The attempt in place of one whose worker was lost: its target has done nothing wrong, and counts as not tried. `before`: those that failed. */
  again(choices: Choices<Target>, conversation: number, nowMs: number, before: readonly Attempt<Target>[]): Attempt<Target> | undefined {
    const target =
      this.#choose(choices, conversation, nowMs, before) ?? (before.length === 0 ? soonest(choices.targets, nowMs) : undefined);
    return begin(target, nowMs);
  }

  /** Milliseconds to wait before the attempt that follows `failed` others: anything up to a bound that doubles ("full jitter"). */
  pauseMs(failed: number): number {
    return this.#random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failed - 1));
  }

  /** An attempt has begun to answer. */
  answered(attempt: Attempt<Target>, nowMs: number): void {
    this.#judge(attempt, "good", nowMs, undefined);
  }

  /** An attempt has ended: with `ok`, `cancelled` or a kind of failure. Once: what is said of it after that changes nothing. */
  ended(attempt: Attempt<Target>, outcome: "ok" | ErrorKind, detail: FailureDetail | undefined, nowMs: number): void {
    if (attempt.outcome !== undefined) return;
    attempt.outcome = outcome;
    const { upstream } = attempt.target.health;
    upstream.open -= 1;
    upstream.note(outcome);
    const isBad = TARGET_FAILURES.has(outcome);
    // An answer that broke off speaks against its target, although its beginning was good.
    if (isBad) attempt.isJudged = false;
    this.#judge(attempt, isBad ? "bad" : outcome === "ok" ? "good" : "nothing", nowMs, detail);
  }

  #judge(attempt: Attempt<Target>, verdict: Verdict, nowMs: number, detail: FailureDetail | undefined): void {
    if (attempt.isJudged) return;
    attempt.isJudged = true;
    const { target, isProbe } = attempt;
    if (target.health.ended(verdict, isProbe, nowMs, detail?.restMs)) this.#onBreaker(target, detail?.log);
  }

  #choose(
    { targets, credits, seed, affinity }: Choices<Target>,
    conversation: number,
    nowMs: number,
    before: readonly Attempt<Target>[],
  ): Target | undefined {
    const [only] = targets;
    if (targets.length === 1) return before.length === 0 && only.health.takes(nowMs) && hasRoom(only) ? only : undefined;
    const isFree = (target: Target) =>
      target.health.takes(nowMs) && hasRoom(target) && !before.some((attempt) => attempt.target === target);
    const rank = targets.find(isFree)?.rank;
    if (rank === undefined) return undefined;
    if (!affinity || conversation === 0) return takeTurn(targets, credits, (target) => target.rank === rank && isFree(target));
    return favourite(targets, conversation ^ seed, (target) => target.rank === rank && isFree(target));
  }
}

/** The one that a conversation likes most. */
function favourite<Target extends Choice>(
  targets: readonly Target[],
  conversation: number,
  isIn: (target: Target) => boolean,
): Target | undefined {
  let chosen: Target | undefined;
  let most = -1;
  for (const target of targets) {
    if (!isIn(target)) continue;
    const liked = liking(conversation, target.seed, target.weight);
    if (liked > most) [most, chosen] = [liked, target];
  }
  return chosen;
}

/** The target that a conversation would have if all were well; undefined where it has none of its own, or where all are well. */
function ownTarget<Target extends Choice>(
  { targets, seed, affinity }: Choices<Target>,
  conversation: number,
  nowMs: number,
): Target | undefined {
  const [{ rank }] = targets;
  if (!affinity || conversation === 0 || targets.length === 1) return undefined;
  if (targets.every((target) => target.rank !== rank || (target.health.takes(nowMs) && hasRoom(target)))) return undefined;
  return favourite(targets, conversation ^ seed, (target) => target.rank === rank);
}

const NONE: readonly Attempt<never>[] = [];

function begin<Target extends Choice>(target: Target | undefined, nowMs: number, movedFrom?: Target): Attempt<Target> | undefined {
  if (target === undefined) return undefined;
  target.health.upstream.open += 1;
  return { target, isProbe: target.health.begin(nowMs), movedFrom, isJudged: false, outcome: undefined };
}

/** Whether the upstream may have one attempt more. */
function hasRoom({ health, upstream }: Choice): boolean {
  return upstream.maxCalls === undefined || health.upstream.open < upstream.maxCalls;
}

/** Where no target is healthy: the one that is to be tried first. Undefined where one is, whose upstream has as many attempts as it may. */
function soonest<Target extends Choice>(targets: readonly Target[], nowMs: number): Target | undefined {
  let best: Target | undefined;
  for (const target of targets) {
    if (target.health.takes(nowMs)) return undefined;
    if (hasRoom(target) && (best === undefined || target.health.takesAtMs < best.health.takesAtMs)) best = target;
  }
  return best;
}

/**
 * The next of the targets that are free: each as often as its weight says, and evenly spread (smooth weighted round-robin, as nginx does it: every target
 * earns its weight, the richest is taken and pays what all have earned).
 */
function takeTurn<Target extends Choice>(
  targets: readonly Target[],
  credits: number[],
  isFree: (target: Target) => boolean,
): Target | undefined {
  let chosen: Target | undefined;
  let [at, earned] = [0, 0];
  for (const [index, target] of targets.entries()) {
    if (!isFree(target)) continue;
    const credit = (credits[index] ?? 0) + target.weight;
    credits[index] = credit;
    earned += target.weight;
    if (chosen === undefined || credit > (credits[at] ?? 0)) [at, chosen] = [index, target];
  }
  if (chosen !== undefined) credits[at] = (credits[at] ?? 0) - earned;
  return chosen;
}

/** The health of all upstreams, and of all targets by upstream and model: it outlives the configuration that named them. */
export class HealthBook {
  readonly #known = new Map<string, TargetHealth>();
  readonly #upstreams = new Map<string, UpstreamHealth>();

  /** The state of a target; the same object as long as there is such a target. */
  of(upstream: string, model: string): TargetHealth {
    const key = `${upstream}\n${model}`;
    let health = this.#known.get(key);
    if (health === undefined) {
      health = new TargetHealth(this.#upstream(upstream));
      this.#known.set(key, health);
    }
    return health;
  }

  /** One line for each upstream, for `/readyz`. */
  lines(): Record<string, string> {
    const named = [...this.#upstreams].sort(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(named.map(([name, { line }]) => [`upstream ${name}`, line]));
  }

  /** Forgets the targets that no configuration in force names. */
  keep(targets: Iterable<Choice>): void {
    const kept = new Set<TargetHealth>();
    for (const { health } of targets) kept.add(health);
    const upstreams = new Set<UpstreamHealth>();
    for (const [key, health] of this.#known) {
      if (kept.has(health)) upstreams.add(health.upstream);
      else this.#known.delete(key);
    }
    for (const [name, upstream] of this.#upstreams) if (!upstreams.has(upstream)) this.#upstreams.delete(name);
  }

  #upstream(name: string): UpstreamHealth {
    const known = this.#upstreams.get(name);
    if (known !== undefined) return known;
    const fresh = new UpstreamHealth();
    this.#upstreams.set(name, fresh);
    return fresh;
  }
}
