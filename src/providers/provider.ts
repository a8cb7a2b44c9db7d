/**
 * What the front must know of a provider: which dialect it speaks, what its part of `weir.yaml` looks like, and which of its names belong to a region.
 * How it is called is the file of the same name under `workers/providers`.
 */
import type { TObject } from "@sinclair/typebox";
import type { DialectName } from "../contract/dialect.ts";

export interface ProviderSettings {
  readonly name: string;
  readonly dialect: DialectName;
  /** The fields of an upstream that only this provider has (`aws_region`, `api`, `credentials` …), as they stand in `weir.yaml`. */
  readonly schema: TObject;
  /**
   * The fields after environment and `…_file` were filled in and checked against `schema`: plain JSON for `workers/providers`.
   * @throws Error whose message says what is missing or contradictory; its path is put in front by the caller.
   */
  resolve(fields: Record<string, unknown>): Record<string, unknown>;
  /** Why these settings break the promise that `region` stays in its region, or undefined. */
  regionProblem(region: string, settings: Record<string, unknown>): string | undefined;
  /** Why this upstream model name would leave `region`, or undefined. */
  modelProblem(region: string, model: string): string | undefined;
}
