import type { ByteText } from "../src/contract/bytes.ts";
import type { UpstreamDialect } from "../src/contract/dialect.ts";
import type { Weighing } from "../src/contract/messages.ts";
import { estimate, estimateExactly, estimateInTurns, profileOf } from "./estimate/estimate.ts";
import { exactCounter } from "./estimate/exact.ts";

/** A worker's estimates, by the configuration's facts of each model. The upstreams' own counts correct them on the front, which knows each call's workspace. */
export class Estimator {
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

  /** The same as `estimate`, for a checked body; long work is done in steps, with a `turn` between. */
  estimateInTurns(dialect: UpstreamDialect, model: string, body: ByteText, request: object, turn: () => Promise<void>): Promise<number> {
    return estimateInTurns(dialect, model, body, request, turn, this.#weighing.get(model)?.family);
  }

  /** Input tokens by the model's table, loaded at its first use; the estimate where there is no table for it. */
  async count(dialect: UpstreamDialect, model: string, body: ByteText): Promise<number> {
    const family = this.#weighing.get(model)?.family;
    const counter = await exactCounter(profileOf(dialect, model, family).tokenizer);
    return counter === undefined ? this.estimate(dialect, model, body) : estimateExactly(dialect, model, body, counter, family);
  }
}
