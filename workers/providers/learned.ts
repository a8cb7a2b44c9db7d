import type { Accepts } from "../../src/contract/accepts.ts";
import { LESSON_MS } from "../../src/contract/messages.ts";
import type { Job, Lesson, Pupil } from "./provider.ts";

/** Of one target; more than a handful is an upstream that refuses everything. */
const MOST_LESSONS = 32;
/** Of a name that an upstream has put into a refusal; the names of fields and flags are a third of it. */
const LONGEST_NAME = 128;

/** What is learned, in words that cross between workers: what to do, and the names to do it with. */
export type Words = readonly [what: string, ...names: string[]];

interface Known<Takes> {
  takes: Takes;
  untilMs: number;
  count: number;
}

/** It was learned while the call was on its way: the call is worth another try, and there is nothing to tell. */
const KNOWN_BY_NOW: Lesson = { line: "", taught: "" };

/**
 * What the targets of one upstream take, as their refusals have taught it, here or in another worker. A lesson is kept for an hour, by the upstream's name
 * of the model and by what the configuration says of it: another configuration begins anew.
 */
export class Learned<Told extends Accepts, Takes extends object> {
  readonly #takesOf: (accepts: Told) => Takes;
  readonly #with: (takes: Takes, words: Words) => Takes | undefined;
  /** Nothing was learned yet, as of nearly all upstreams: calls need not look. */
  #isEmpty = true;
  readonly #known = new WeakMap<Accepts, Map<string, Known<Takes>>>();

  /**
   * @param takesOf - What a target takes by the tables and the configuration.
   * @param taught - What it takes after a lesson; undefined where the lesson changes nothing, or says nothing.
   */
  constructor(takesOf: (accepts: Told) => Takes, taught: (takes: Takes, words: Words) => Takes | undefined) {
    this.#takesOf = takesOf;
    this.#with = taught;
  }

  takes({ upstreamModel, accepts }: Pupil<Told>): Takes {
    if (this.#isEmpty) return this.#takesOf(accepts);
    const models = this.#known.get(accepts);
    const known = models?.get(upstreamModel);
    if (known === undefined) return this.#takesOf(accepts);
    if (performance.now() < known.untilMs) return known.takes;
    models?.delete(upstreamModel);
    return this.#takesOf(accepts);
  }

  /** Learns of the job's target. Undefined where that changes nothing: then the same request would be refused again. */
  learn(job: Job<Told>, words: Words, line: () => string): Lesson | undefined {
    if (words.some((name) => name.length > LONGEST_NAME)) return undefined;
    const before = this.takes(job);
    const takes = this.#with(before, words);
    if (takes === undefined) return job.takes === undefined || job.takes === before ? undefined : KNOWN_BY_NOW;
    return this.#keep(job, takes, LESSON_MS) ? { line: line(), taught: JSON.stringify(words) } : undefined;
  }

  /** As `taught` of a connection. */
  taught(pupil: Pupil<Told>, text: string, forMs: number): void {
    const words = wordsOf(text);
    const takes = words === undefined ? undefined : this.#with(this.takes(pupil), words);
    if (takes !== undefined) this.#keep(pupil, takes, Math.min(forMs, LESSON_MS));
  }

  #keep({ upstreamModel, accepts }: Pupil, takes: Takes, forMs: number): boolean {
    let models = this.#known.get(accepts);
    if (models === undefined) {
      models = new Map();
      this.#known.set(accepts, models);
    }
    const { count, untilMs } = models.get(upstreamModel) ?? { count: 0, untilMs: 0 };
    if (count >= MOST_LESSONS) return false;
    models.set(upstreamModel, { takes, count: count + 1, untilMs: Math.max(untilMs, performance.now() + forMs) });
    this.#isEmpty = false;
    return true;
  }
}

function wordsOf(text: string): Words | undefined {
  try {
    const words: unknown = JSON.parse(text);
    if (Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === "string")) return words as unknown as Words;
  } catch {
    // What is not read teaches nothing: the worker learns it by a refusal of its own.
  }
  return undefined;
}
