/**
 * The factor between estimates and what the upstream reports. It is learned from the reports, has bounds, and single odd reports hardly move it. It corrects what
 * the calibration cannot know: a new tokenizer, a system prompt that the upstream adds, the language of one workspace. The metric is `weir_token_estimate_ratio`.
 */

/** No factor is outside these bounds. A report further off has another reason, and the limits must not follow it. */
const LEAST = 0.5;
const MOST = 2;
/** One report counts as no further from the estimate than this, up or down. */
const MOST_SURPRISE = Math.log(3);
/** So many reports come before the factor is used. After that, each report has a weight of a hundredth, and the first ones have more. */
const QUIET_REPORTS = 8;
const SLOWEST = 1 / 100;
/** A single odd report (a picture, a cached prefix that is counted elsewhere) counts as no further from the mean than this many times the usual scatter. */
const OUTLIER = 3;
/** A short request is mostly overhead, so its ratio says little about text. A report of fewer tokens than this has less weight. */
const FULL_WEIGHT_TOKENS = 200;

export class Correction {
  #mean = 0;
  #scatter = 0.1;
  #weight = 0;
  #reports = 0;

  /** The factor by which an estimate is multiplied; 1 until enough reports have come. */
  get factor(): number {
    return this.#reports < QUIET_REPORTS ? 1 : Math.exp(clamp(this.#mean, Math.log(LEAST), Math.log(MOST)));
  }

  /**
   * Learns from one finished call.
   * @param estimated - The estimate of the input in tokens, before any factor.
   * @param reported - The input tokens by the upstream's count, cache reads and writes included. Nothing is learned from 0.
   */
  learn(estimated: number, reported: number): void {
    if (!(estimated > 0) || !(reported > 0) || !Number.isFinite(estimated / reported)) return;
    const share = Math.min(1, reported / FULL_WEIGHT_TOKENS);
    const raw = clamp(Math.log(reported / estimated), -MOST_SURPRISE, MOST_SURPRISE);
    // When the mean is roughly known, a report that is far off counts as one at the edge of the scatter: many of them move the mean, a single one does not.
    const reach = OUTLIER * this.#scatter;
    const surprise = this.#reports < QUIET_REPORTS ? raw - this.#mean : clamp(raw - this.#mean, -reach, reach);
    this.#reports++;
    this.#weight += share;
    const step = share * Math.max(SLOWEST, 1 / Math.max(1, this.#weight));
    this.#mean += step * surprise;
    // The scatter follows the true distance, so that after a real change of level the edge moves out to the new level.
    this.#scatter += step * (Math.max(0.02, Math.min(1, Math.abs(raw - this.#mean))) - this.#scatter);
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
