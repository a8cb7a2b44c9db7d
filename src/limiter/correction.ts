/**
 * The factor between what was estimated and what the upstream reports: learned, bounded, slow to be fooled. It mends what calibration cannot
 * know (a new tokenizer, a system prompt that the upstream adds, one workspace's language) and is shown as `weir_token_estimate_ratio`.
 */

/** No factor leaves these bounds: beyond them something else is wrong, and limits must not drift after it. */
const LEAST = 0.5;
const MOST = 2;
/** One report counts as at most this far from the estimate, up or down. */
const MOST_SURPRISE = Math.log(3);
/** Reports before the factor moves at all; then it follows with a weight of a hundredth, more while it is young. */
const QUIET_REPORTS = 8;
const SLOWEST = 1 / 100;
/** A single odd report (a picture, a cached prefix counted elsewhere) moves the factor no further than this many times the usual scatter. */
const OUTLIER = 3;
/** Short requests are all overhead: their ratio says little about text. They weigh by size up to this many tokens. */
const FULL_WEIGHT_TOKENS = 200;

export class Correction {
  private mean = 0;
  private scatter = 0.1;
  private weight = 0;
  private reports = 0;

  /** The factor by which an estimate is multiplied; 1 until enough is known. */
  get factor(): number {
    return this.reports < QUIET_REPORTS ? 1 : Math.exp(clamp(this.mean, Math.log(LEAST), Math.log(MOST)));
  }

  /**
   * Takes one finished call.
   * @param estimated as `estimate` said, before any factor
   * @param reported the upstream's input tokens, cache reads and writes included; nothing is learned from 0
   */
  learn(estimated: number, reported: number): void {
    if (!(estimated > 0) || !(reported > 0) || !Number.isFinite(estimated / reported)) return;
    const share = Math.min(1, reported / FULL_WEIGHT_TOKENS);
    const raw = clamp(Math.log(reported / estimated), -MOST_SURPRISE, MOST_SURPRISE);
    // Once there is an idea of the mean, a far-off report is pulled in to the edge of the scatter: many of them still move it, one does not.
    const reach = OUTLIER * this.scatter;
    const surprise = this.reports < QUIET_REPORTS ? raw - this.mean : clamp(raw - this.mean, -reach, reach);
    this.reports++;
    this.weight += share;
    const step = share * Math.max(SLOWEST, 1 / Math.max(1, this.weight));
    this.mean += step * surprise;
    // The scatter follows the unclamped distance, so that a real change of level opens the gate to it.
    this.scatter += step * (Math.max(0.02, Math.min(1, Math.abs(raw - this.mean))) - this.scatter);
  }
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
