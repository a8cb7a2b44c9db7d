import { AnswerLengths } from "./answer-lengths.ts";
import { Correction } from "./correction.ts";

/** Tokens for each byte of a body, before anything is learned: between English (0.25 to 0.3) and code or Chinese (0.4). */
const FIRST_DENSITY = 0.33;
/** Tokens for each byte of a stream, before anything is learned: between a stream with one token in each event (some 0.005) and one with several. */
const FIRST_STREAM_DENSITY = 0.01;
/** The weight of one call in a learned density. */
const STEP = 1 / 16;
/** With more histories, the one that was made first is forgotten, and begins again with its next call. A history has some 700 bytes. */
const MOST_HISTORIES = 10_000;

/** A history is about the calls of one workspace and model at one upstream. */
export interface HistoryKey {
  workspace: string;
  /** The name of the upstream, unique in the configuration: one that a workspace brings has the name of the workspace before its own. */
  upstream: string;
  model: string;
}

/** What the reports of one upstream say about the tokens of the calls of one workspace and model. */
export class TokenHistory {
  /** The factor by which estimates of the input are multiplied. */
  readonly correction = new Correction();
  /** The tokens of recent answers. */
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

const EMPTY = new TokenHistory();

/** All histories. Each is kept apart, so the calls of one workspace and the reports of one upstream do not change the estimates of other workspaces. */
export class TokenHistories {
  readonly #histories = new Map<string, TokenHistory>();
  readonly #most: number;

  constructor(most = MOST_HISTORIES) {
    this.#most = most;
  }

  /** The history, to read it. A missing one is not made. */
  of(key: HistoryKey): Readonly<TokenHistory> {
    return this.#histories.get(nameOf(key)) ?? EMPTY;
  }

  /** The history, to add to it. A missing one is made. */
  open(key: HistoryKey): TokenHistory {
    const name = nameOf(key);
    const known = this.#histories.get(name);
    if (known !== undefined) return known;
    if (this.#histories.size >= this.#most) {
      const [oldest] = this.#histories.keys();
      if (oldest !== undefined) this.#histories.delete(oldest);
    }
    const fresh = new TokenHistory();
    this.#histories.set(name, fresh);
    return fresh;
  }
}

/** The key of a history. No name has a line break. */
function nameOf({ workspace, upstream, model }: HistoryKey): string {
  return `${workspace}\n${upstream}\n${model}`;
}
