import { Correction } from "./correction.ts";
import { AnswerLengths } from "./expected.ts";

/** Tokens per byte of body before anything was learned: between English (0.25 to 0.3) and code or Chinese (0.4). */
const FIRST_DENSITY = 0.33;
/** Tokens per byte of a stream: between one whose every event has one token (some 0.005) and one whose events have several. */
const FIRST_STREAM_DENSITY = 0.01;
/** Weight of one call in a learned density. */
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
  #streamDensity: number | undefined;

  /** Tokens per byte of body, of recent calls. */
  get density(): number {
    return this.#density ?? FIRST_DENSITY;
  }

  learnDensity(density: number): void {
    this.#density = learned(this.#density, density);
  }

  /** Tokens of the answer per byte of stream for the client, of recent calls. */
  get streamDensity(): number {
    return this.#streamDensity ?? FIRST_STREAM_DENSITY;
  }

  learnStreamDensity(density: number): void {
    this.#streamDensity = learned(this.#streamDensity, density);
  }
}

function learned(known: number | undefined, density: number): number | undefined {
  if (!(density > 0) || !Number.isFinite(density)) return known;
  return known === undefined ? density : known + STEP * (density - known);
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
