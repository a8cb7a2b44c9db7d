import { Correction } from "./correction.ts";
import { AnswerLengths } from "./expected.ts";

/** Tokens per byte of body before anything was learned: between English (0.25 to 0.3) and code or Chinese (0.4). */
const FIRST_DENSITY = 0.33;
/** Weight of one call in the learned density. */
const STEP = 1 / 16;
/** Beyond that the one first seen is forgotten, and learns anew: some 700 bytes each. */
const MOST_LESSONS = 10_000;

/** Whose calls teach, and of what. */
export interface Pupil {
  workspace: string;
  /** Its name in the whole configuration: a workspace's own has the workspace's name before it. */
  upstream: string;
  model: string;
}

/** What one upstream's reports have taught about one workspace's calls of one model. */
export class Lesson {
  /** What estimates of the input are multiplied by. */
  readonly correction = new Correction();
  readonly lengths = new AnswerLengths();
  #density: number | undefined;

  /** Tokens per byte of body, of recent calls. */
  get density(): number {
    return this.#density ?? FIRST_DENSITY;
  }

  learnDensity(density: number): void {
    if (!(density > 0) || !Number.isFinite(density)) return;
    this.#density = this.#density === undefined ? density : this.#density + STEP * (density - this.#density);
  }
}

const NOTHING_YET = new Lesson();

/** All that was learned, each lesson apart: what one tenant's calls or one upstream's reports teach moves nobody else's estimates. */
export class Lessons {
  readonly #lessons = new Map<string, Lesson>();
  readonly #most: number;

  constructor(most = MOST_LESSONS) {
    this.#most = most;
  }

  /** To look at; not to be taught. */
  of(pupil: Pupil): Readonly<Lesson> {
    return this.#lessons.get(nameOf(pupil)) ?? NOTHING_YET;
  }

  /** To be taught. */
  open(pupil: Pupil): Lesson {
    const name = nameOf(pupil);
    const known = this.#lessons.get(name);
    if (known !== undefined) return known;
    if (this.#lessons.size >= this.#most) {
      const [oldest] = this.#lessons.keys();
      if (oldest !== undefined) this.#lessons.delete(oldest);
    }
    const fresh = new Lesson();
    this.#lessons.set(name, fresh);
    return fresh;
  }
}

/** No name has a line break in it. */
function nameOf({ workspace, upstream, model }: Pupil): string {
  return `${workspace}\n${upstream}\n${model}`;
}
