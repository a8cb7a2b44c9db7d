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

/** The source of a lesson: the calls of one workspace and model at one upstream. */
export interface Pupil {
  workspace: string;
  /** The upstream's name in the whole configuration: a workspace's own has the workspace's name before it. */
  upstream: string;
  model: string;
}

/** Figures learned from one upstream's reports about one workspace's calls of one model. */
export class Lesson {
  /** The factor by which estimates of the input are multiplied. */
  readonly correction = new Correction();
  readonly lengths = new AnswerLengths();
  #density: number | undefined;
  #streamDensity: number | undefined;

  /** Tokens per byte of body, from recent calls. */
  get density(): number {
    return this.#density ?? FIRST_DENSITY;
  }

  learnDensity(density: number): void {
    this.#density = learned(this.#density, density);
  }

  /** Tokens of the answer per byte of stream for the client, from recent calls. */
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

/** All lessons, each kept apart: one tenant's calls and one upstream's reports change no other tenant's estimates. */
export class Lessons {
  readonly #lessons = new Map<string, Lesson>();
  readonly #most: number;

  constructor(most = MOST_LESSONS) {
    this.#most = most;
  }

  /** The lesson, for reading; a missing one is not kept. */
  of(pupil: Pupil): Readonly<Lesson> {
    return this.#lessons.get(nameOf(pupil)) ?? NOTHING_YET;
  }

  /** The lesson, for learning; a missing one is made and kept. */
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
