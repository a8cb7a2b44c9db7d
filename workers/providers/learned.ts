import type { Accepts } from "../../src/contract/accepts.ts";
import type { Job } from "./provider.ts";

const KEPT_MS = 3_600_000;

interface Lesson<Takes> {
  /** What the configuration said then: another configuration begins anew. */
  accepts: Accepts;
  takes: Takes;
  untilMs: number;
  count: number;
}

/** What the targets of one upstream take, as their refusals have taught it. A lesson is kept for an hour, by the upstream's name of the model. */
export class Learned<Told extends Accepts, Takes> {
  readonly #takesOf: (accepts: Told) => Takes;
  readonly #lessons = new Map<string, Lesson<Takes>>();

  /** @param takesOf - What a target takes by the tables and the configuration. */
  constructor(takesOf: (accepts: Told) => Takes) {
    this.#takesOf = takesOf;
  }

  takes({ upstreamModel, accepts }: Job<Told>): Takes {
    if (this.#lessons.size === 0) return this.#takesOf(accepts);
    const lesson = this.#lessons.get(upstreamModel);
    if (lesson === undefined) return this.#takesOf(accepts);
    if (performance.now() < lesson.untilMs && lesson.accepts === accepts) return lesson.takes;
    this.#lessons.delete(upstreamModel);
    return this.#takesOf(accepts);
  }

  /** How often the target of a job has taught something within the hour. */
  count({ upstreamModel }: Job): number {
    return this.#lessons.get(upstreamModel)?.count ?? 0;
  }

  keep(job: Job, takes: Takes): void {
    this.#lessons.set(job.upstreamModel, { accepts: job.accepts, takes, count: this.count(job) + 1, untilMs: performance.now() + KEPT_MS });
  }
}
