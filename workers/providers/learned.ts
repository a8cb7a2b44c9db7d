import type { Accepts } from "../../src/contract/accepts.ts";
import { LESSON_MS } from "../../src/contract/messages.ts";
import type { Job, Lesson, LessonTarget } from "./provider.ts";

/** Most lessons of one target. A target that works teaches a handful; one that teaches more refuses everything. */
const MOST_LESSONS = 32;
/** Longest name that is taken from a refusal, in characters; real names of fields and flags have at most a third of it. */
const LONGEST_NAME = 128;

/** A lesson in the form that is sent between workers: what to do, and the names for it. */
export type Words = readonly [what: string, ...names: string[]];

interface Known<Takes> {
  takes: Takes;
  untilMs: number;
  count: number;
}

/** The lesson was learned while the call was under way: another try can succeed, and there is nothing to report. */
const KNOWN_BY_NOW: Lesson = { line: "", taught: "" };

/**
 * What the targets of one upstream take, corrected by their refusals, here or in another worker. A lesson is kept for an hour, by the upstream's name
 * of the model and by the model's configuration: a new configuration starts without lessons. A provider's own class reads the refusals.
 */
export abstract class Learned<Configured extends Accepts, Takes extends object> {
  readonly #takesOf: (accepts: Configured) => Takes;
  readonly #with: (takes: Takes, words: Words) => Takes | undefined;
  /** No lesson was learned yet, as is usual: then calls need no look-up. */
  #isEmpty = true;
  readonly #known = new WeakMap<Accepts, Map<string, Known<Takes>>>();

  /**
   * @param takesOf - What a target takes by the tables and the configuration.
   * @param taught - What it takes after a lesson; undefined where the lesson changes nothing.
   */
  constructor(takesOf: (accepts: Configured) => Takes, taught: (takes: Takes, words: Words) => Takes | undefined) {
    this.#takesOf = takesOf;
    this.#with = taught;
  }

  takes({ upstreamModel, accepts }: LessonTarget<Configured>): Takes {
    if (this.#isEmpty) return this.#takesOf(accepts);
    const models = this.#known.get(accepts);
    const known = models?.get(upstreamModel);
    if (known === undefined) return this.#takesOf(accepts);
    if (performance.now() < known.untilMs) return known.takes;
    models?.delete(upstreamModel);
    return this.#takesOf(accepts);
  }

  /** Learns something about the job's target. Undefined where that changes nothing: then the same request would be refused again. */
  protected note(job: Job<Configured>, words: Words, line: () => string): Lesson | undefined {
    if (words.some((name) => name.length > LONGEST_NAME)) return undefined;
    const before = this.takes(job);
    const takes = this.#with(before, words);
    if (takes === undefined) return job.takes === undefined || job.takes === before ? undefined : KNOWN_BY_NOW;
    return this.#keep(job, takes, LESSON_MS) ? { line: line(), taught: JSON.stringify(words) } : undefined;
  }

  /** See `Adapter.taught`. */
  taught(target: LessonTarget<Configured>, text: string, forMs: number): void {
    const words = wordsOf(text);
    const takes = words === undefined ? undefined : this.#with(this.takes(target), words);
    if (takes !== undefined) this.#keep(target, takes, Math.min(forMs, LESSON_MS));
  }

  #keep({ upstreamModel, accepts }: LessonTarget, takes: Takes, forMs: number): boolean {
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
    // A lesson that cannot be read changes nothing: this worker learns it when its own call is refused.
  }
  return undefined;
}
