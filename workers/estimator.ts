import type { ByteText } from "../src/contract/bytes.ts";
import type { UpstreamDialect } from "../src/contract/dialect.ts";
import type { Weighing } from "../src/contract/messages.ts";
import { Correction } from "./estimate/correction.ts";
import { estimate, estimateExactly, estimateInTurns, profileOf } from "./estimate/estimate.ts";
import { exactCounter } from "./estimate/exact.ts";

/** This worker's estimates and what it has learned of them, model by model. */
export class Estimator {
  readonly #corrections = new Map<string, Correction>();
  #weighing = new Map<string, Weighing>();

  configure(weighing: readonly Weighing[]): void {
    this.#weighing = new Map(weighing.map((one) => [one.model, one]));
  }

  /** True where `weigh` waits for a table. */
  isExact(model: string): boolean {
    return this.#weighing.get(model)?.exact ?? false;
  }

  /** Input tokens of a body, before any factor. */
  estimate(dialect: UpstreamDialect, model: string, body: ByteText): number {
    return estimate(dialect, model, body, this.#weighing.get(model)?.family);
  }

  /** As `estimate`, of a checked body; what takes long is done in steps, with a `turn` between. */
  estimateInTurns(dialect: UpstreamDialect, model: string, body: ByteText, request: object, turn: () => Promise<void>): Promise<number> {
    return estimateInTurns(dialect, model, body, request, turn, this.#weighing.get(model)?.family);
  }

  /** Input tokens by the model's table, loaded at its first use; the estimate where there is no table for it. */
  async count(dialect: UpstreamDialect, model: string, body: ByteText): Promise<number> {
    const family = this.#weighing.get(model)?.family;
    const counter = await exactCounter(profileOf(dialect, model, family).tokenizer);
    return counter === undefined ? this.estimate(dialect, model, body) : estimateExactly(dialect, model, body, counter, family);
  }

  /** An estimate with what was learned of this model; a count needs no correction. */
  corrected(model: string, estimated: number): number {
    return this.isExact(model) ? estimated : Math.ceil(estimated * this.factor(model));
  }

  factor(model: string): number {
    return this.#corrections.get(model)?.factor ?? 1;
  }

  /** A call has ended, and its upstream has counted `reported` input tokens, cached ones included. */
  learn(model: string, estimated: number, reported: number): void {
    let correction = this.#corrections.get(model);
    if (correction === undefined) {
      correction = new Correction();
      this.#corrections.set(model, correction);
    }
    correction.learn(estimated, reported);
  }
}
