import { Correction } from "./correction.ts";
import { AnswerLengths } from "./expected.ts";

/** Tokens for each byte of a body, before anything is learned: between English (0.25 to 0.3) and code or Chinese (0.4). */
const FIRST_DENSITY = 0.33;
/** Tokens for each byte of a stream, before anything is learned: between a stream with one token in each event (some 0.005) and one with several. */
const FIRST_STREAM_DENSITY = 0.01;
/** The weight of one call in a learned density. */
const STEP = 1 / 16;
/** With more lessons, the one that was made first is forgotten, and begins again with its next call. A lesson has some 700 bytes. */
const MOST_LESSONS = 10_000;

/** The source of a lesson: the calls of one workspace and model at one upstream. */
export interface Pupil {
  workspace: string;
  /** The name of the upstream, unique in the configuration: one that a workspace brings has the name of the workspace before its own. */
  upstream: string;
  model: string;
}

/** What the reports of one upstream teach about the calls of one workspace and model. */
export class Lesson {
  /** The factor by which estimates of the input are multiplied. */
  readonly correction = new Correction();
  readonly lengths = new AnswerLengths();
  #density: number | undefined;
  #streamDensity: number | undefined;

  /** Tokens for each byte of a body, from recent calls. */
  get density(): number {
    return this.#density ?? FIRST_DENSITY;
  }

  learnDensity(density: number): void {
    this.#density = learned(this.#density, density);
  }

  /** Tokens of the answer for each byte of a stream to the client, from recent calls. */
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

/** All lessons. Each is kept apart, so the calls of one workspace and the reports of one upstream do not change the estimates of other workspaces. */
export class Lessons {
  readonly #lessons = new Map<string, Lesson>();
  readonly #most: number;

  constructor(most = MOST_LESSONS) {
    this.#most = most;
  }

  /** The lesson, to read it. A missing one is not made. */
  of(pupil: Pupil): Readonly<Lesson> {
    return this.#lessons.get(nameOf(pupil)) ?? NOTHING_YET;
  }

  /** The lesson, to learn. A missing one is made. */
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

/** The key of a lesson. No name has a line break. */
function nameOf({ workspace, upstream, model }: Pupil): string {
  return `${workspace}\n${upstream}\n${model}`;
}
