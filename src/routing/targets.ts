import type { Accepts } from "../contract/accepts.ts";
import type { Target, Timeouts, Upstream } from "../contract/config.ts";
import type { Controls } from "../contract/controls.ts";
import { hashText } from "../contract/hash.ts";
import type { HealthBook } from "./health.ts";
import type { Candidate } from "./router.ts";

/** One way to serve a model, as the worker pool knows it. */
export interface RoutedTarget extends Candidate {
  /** The number by which workers know this target. It is never given to another target, so a call that began before a reload still goes to the right one. */
  id: number;
  upstream: Upstream;
  model: string;
  countModel: string | undefined;
  accepts: Accepts;
  /** The controls of all places that set some for this target and for the workspace that calls it, merged. */
  controls?: Controls | undefined;
  timeouts: Timeouts;
}

let lastId = 0;

/** The targets of one routing table. A target that is the same as one of the routing table before keeps the id. */
export class RoutedTargets {
  readonly #health: HealthBook;
  /** Routed targets by the target of the configuration and the text of the controls. */
  readonly #routed: Map<Target, Map<string, RoutedTarget>>;
  /** Ids by the text of everything that a worker knows about the target. */
  readonly #ids = new Map<string, number>();
  readonly #idsBefore: ReadonlyMap<string, number>;
  readonly #upstreamTexts = new WeakMap<Upstream, string>();

  /**
   * @param before - The targets of the routing table before; undefined for the first routing table.
   * @param isSame - The configuration of `before` has the same objects for all upstreams and models.
   */
  constructor(health: HealthBook, before: RoutedTargets | undefined, isSame: boolean) {
    this.#health = health;
    this.#idsBefore = before === undefined ? new Map() : before.#ids;
    this.#routed = isSame && before !== undefined ? before.#routed : new Map();
    if (isSame) for (const [key, id] of this.#idsBefore) this.#ids.set(key, id);
  }

  of(target: Target, upstream: Upstream, controls?: Controls): RoutedTarget {
    const controlsText = controls === undefined ? "" : JSON.stringify(controls);
    let routed = this.#routed.get(target);
    if (routed === undefined) {
      routed = new Map();
      this.#routed.set(target, routed);
    }
    const known = routed.get(controlsText);
    if (known !== undefined) return known;
    const { model, countModel, accepts, rank, weight, timeouts } = target;
    const { name } = upstream;
    const id = this.#idOf(target, upstream, controlsText);
    const [health, seed] = [this.#health.of(name, model), hashText(`${name}\n${model}`)];
    const made: RoutedTarget = { id, upstream, model, countModel, accepts, controls, rank, weight, timeouts, health, seed };
    routed.set(controlsText, made);
    return made;
  }

  #idOf({ model, countModel, accepts, timeouts }: Target, upstream: Upstream, controls: string): number {
    let upstreamText = this.#upstreamTexts.get(upstream);
    if (upstreamText === undefined) {
      upstreamText = JSON.stringify(upstream);
      this.#upstreamTexts.set(upstream, upstreamText);
    }
    const key = JSON.stringify([model, countModel, kindOf(accepts), timeouts, controls, upstreamText]);
    let id = this.#ids.get(key) ?? this.#idsBefore.get(key);
    if (id === undefined) {
      lastId += 1;
      id = lastId;
    }
    this.#ids.set(key, id);
    return id;
  }
}

let lastKind = 0;
const kinds = new WeakMap<Accepts, number>();

/** A number in place of a long text. The configuration has one object for all targets that accept the same. */
function kindOf(accepts: Accepts): number {
  let kind = kinds.get(accepts);
  if (kind === undefined) {
    lastKind += 1;
    kind = lastKind;
    kinds.set(accepts, kind);
  }
  return kind;
}
