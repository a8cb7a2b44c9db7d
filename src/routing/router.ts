import { type ErrorKind, type FailureDetail, TARGET_FAILURES } from "../contract/errors.ts";
import { mixed } from "../contract/hash.ts";
import type { TargetHealth, Verdict } from "./health.ts";
import { RetryBudgets } from "./retry-budget.ts";

/** The part of a target that the router reads. */
export interface Candidate {
  /** Targets of a lower rank are tried first. */
  readonly rank: number;
  readonly weight: number;
  /** Hash of the upstream and the model. */
  readonly seed: number;
  readonly health: TargetHealth;
  /** `maxCalls`: how many attempts this process may have open at the upstream, at all its targets together; undefined without a bound. */
  readonly upstream: { readonly maxCalls: number | undefined };
}

/** The targets of a model in one region for one workspace. */
export interface Candidates<Target extends Candidate> {
  readonly workspace: string;
  /** Targets in the order of their rank. */
  readonly targets: readonly [Target, ...Target[]];
  /** How far each target is behind its share of the calls (above 0) or ahead of it: see `takeTurn`. */
  readonly credits: number[];
  /** Hash of the workspace and the model: the same conversation id in another workspace or model may have another target. */
  readonly seed: number;
  /** Conversations keep their target. */
  readonly affinity: boolean;
}

/** One attempt of one call at one target. */
export interface Attempt<Target extends Candidate> {
  readonly target: Target;
  readonly isProbe: boolean;
  /** The conversation's own target, where the call had to go to another one; otherwise undefined. */
  readonly movedFrom: Target | undefined;
  /** Its result is in the target's health already. */
  isJudged: boolean;
  /** How it ended: `ok`, `cancelled` or a kind of failure; undefined while it lasts. */
  outcome: "ok" | ErrorKind | undefined;
}

/** The longest first pause before a further attempt. For each further pause the bound doubles, up to `LONGEST_PAUSE_MS`. */
const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 1_000;

/** Called when the breaker of a target has opened or closed. `cause`: the log's text about the attempt that changed it. */
export type OnBreaker<Target extends Candidate> = (target: Target, cause: string | undefined) => void;

/**
 * Chooses the target of each call of this process: a healthy one of the lowest rank, and for a conversation always the same one. After a failure that the
 * client has not seen, it chooses the next target, as long as the retry budget allows that. Where no target is healthy, a call still has one attempt, at the
 * target that may be tried soonest: a breaker chooses among targets, and never makes a model unavailable that might answer.
 */
export class Router<Target extends Candidate> {
  readonly #budgets = new RetryBudgets();
  readonly #onBreaker: OnBreaker<Target>;
  readonly #random: () => number;

  /** @param random - From 0 up to 1. */
  constructor(onBreaker: OnBreaker<Target> = () => {}, random: () => number = Math.random) {
    this.#onBreaker = onBreaker;
    this.#random = random;
  }

  /** The first attempt of a call; undefined where every upstream has as many attempts open as it may. `conversation`: a hash; 0 where the call has none. */
  first(choices: Candidates<Target>, conversation: number, nowMs: number): Attempt<Target> | undefined {
    this.#budgets.of(choices.workspace).call(nowMs);
    const target = this.#choose(choices, conversation, nowMs, NONE) ?? soonest(choices.targets, nowMs);
    const own = ownTarget(choices, conversation, nowMs);
    return begin(target, nowMs, own === target ? undefined : own);
  }

  /** The attempt after the failed attempts `before`; undefined where no target is left or the retry budget is used up. */
  next(choices: Candidates<Target>, conversation: number, nowMs: number, before: readonly Attempt<Target>[]): Attempt<Target> | undefined {
    const target = this.#choose(choices, conversation, nowMs, before);
    return target === undefined || !this.#budgets.of(choices.workspace).take(nowMs) ? undefined : begin(target, nowMs);
  }

  /** Whether a call whose worker was lost may be repeated. Takes one retry from the budget. */
  mayRepeat(workspace: string, nowMs: number): boolean {
    return this.#budgets.of(workspace).take(nowMs);
  }

  /** The attempt that replaces one whose worker was lost. The target of the lost one has not failed, so it may be chosen again. `before`: the failed attempts. */
  again(choices: Candidates<Target>, conversation: number, nowMs: number, before: readonly Attempt<Target>[]): Attempt<Target> | undefined {
    const target =
      this.#choose(choices, conversation, nowMs, before) ?? (before.length === 0 ? soonest(choices.targets, nowMs) : undefined);
    return begin(target, nowMs);
  }

  /** Milliseconds to wait before the next attempt, after `failed` attempts have failed: by chance, up to a bound that doubles with each ("full jitter"). */
  pauseMs(failed: number): number {
    return this.#random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failed - 1));
  }

  /** An attempt has begun to answer. */
  answered(attempt: Attempt<Target>, nowMs: number): void {
    this.#judge(attempt, "good", nowMs, undefined);
  }

  /** An attempt has ended: with `ok`, `cancelled` or a kind of failure. A second call for the same attempt does nothing. */
  ended(attempt: Attempt<Target>, outcome: "ok" | ErrorKind, detail: FailureDetail | undefined, nowMs: number): void {
    if (attempt.outcome !== undefined) return;
    attempt.outcome = outcome;
    const { upstream } = attempt.target.health;
    upstream.open -= 1;
    upstream.note(outcome);
    const isBad = TARGET_FAILURES.has(outcome);
    // An answer that broke off counts against its target, although it began well.
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
    { targets, credits, seed, affinity }: Candidates<Target>,
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

/** The target among those that `isIn` allows that a conversation prefers. */
function favourite<Target extends Candidate>(
  targets: readonly Target[],
  conversation: number,
  isIn: (target: Target) => boolean,
): Target | undefined {
  let chosen: Target | undefined;
  let most = -1;
  for (const target of targets) {
    if (!isIn(target)) continue;
    const preferred = preference(conversation, target.seed, target.weight);
    if (preferred > most) [most, chosen] = [preferred, target];
  }
  return chosen;
}

/**
 * How much a conversation prefers a target (weighted rendezvous hashing). Each conversation goes to the target with the highest number. So the targets share the
 * conversations by weight, and a target that is added or removed moves only the conversations that it gets or had. There is no table to keep, and every replica
 * makes the same choice. Source: Schindelhauer and Schomaker, "Weighted distributed hash tables".
 */
function preference(conversation: number, seed: number, weight: number): number {
  // More than 0 and less than 1.
  const chance = (mixed(conversation ^ seed) + 0.5) / 0x1_0000_0000;
  return -weight / Math.log(chance);
}

/** The target that a conversation would have if all targets were healthy; undefined for a call without a conversation, and where all targets are healthy. */
function ownTarget<Target extends Candidate>(
  { targets, seed, affinity }: Candidates<Target>,
  conversation: number,
  nowMs: number,
): Target | undefined {
  const [{ rank }] = targets;
  if (!affinity || conversation === 0 || targets.length === 1) return undefined;
  if (targets.every((target) => target.rank !== rank || (target.health.takes(nowMs) && hasRoom(target)))) return undefined;
  return favourite(targets, conversation ^ seed, (target) => target.rank === rank);
}

const NONE: readonly Attempt<never>[] = [];

function begin<Target extends Candidate>(target: Target | undefined, nowMs: number, movedFrom?: Target): Attempt<Target> | undefined {
  if (target === undefined) return undefined;
  target.health.upstream.open += 1;
  return { target, isProbe: target.health.begin(nowMs), movedFrom, isJudged: false, outcome: undefined };
}

/** Whether the upstream may have one more attempt. */
function hasRoom({ health, upstream }: Candidate): boolean {
  return upstream.maxCalls === undefined || health.upstream.open < upstream.maxCalls;
}

/** Where no target is healthy: the target that may be tried soonest. Undefined where one is healthy: then its upstream has as many attempts open as it may. */
function soonest<Target extends Candidate>(targets: readonly Target[], nowMs: number): Target | undefined {
  let best: Target | undefined;
  for (const target of targets) {
    if (target.health.takes(nowMs)) return undefined;
    if (hasRoom(target) && (best === undefined || target.health.takesAtMs < best.health.takesAtMs)) best = target;
  }
  return best;
}

/**
 * The next of the free targets: each as often as its weight says, evenly spread. It is the smooth weighted round-robin of nginx: every free target is given its
 * weight as credit, the one with the most credit is taken, and it pays the sum of what was given.
 */
function takeTurn<Target extends Candidate>(
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
