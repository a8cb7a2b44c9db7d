/**
 * What the front must know of a provider: which dialect it speaks, what its part of `weir.yaml` looks like, and which of its names belong to a region.
 * How it is called is the file of the same name under `workers/providers`.
 */
import type { TObject } from "@sinclair/typebox";
import type { Accepts, AcceptsEdits } from "../contract/accepts.ts";
import type { UpstreamDialect } from "../contract/dialect.ts";
import type { Keeping } from "../contract/kept.ts";
import type { Validity } from "./validity.ts";

/**
 * `Settings` is plain JSON for `workers/providers`, secrets included: never logged. Its type is in `settings.ts` of the provider's folder, and the
 * file of the same name under `workers/providers` uses it too. The members are methods, so that a provider with a type of its own is one of all:
 * each is given what its own `resolve` has made.
 */
export interface ProviderSettings<Settings extends object = object> {
  readonly name: string;
  readonly dialect: UpstreamDialect;
  /** What OpenTelemetry's conventions call it (`gen_ai.provider.name`). */
  readonly telemetryName: string;
  /** The fields of an upstream that only this provider has (`aws_region`, `api`, `credentials` …), as they stand in `weir.yaml`. */
  readonly schema: TObject;
  /**
   * The fields after environment and `…_file` were filled in and checked against `schema`, as `workers/providers` takes them.
   * @throws Error whose message says what is missing or contradictory, without a secret in it; its path is put in front by the caller.
   */
  resolve(fields: Record<string, unknown>): Settings;
  /** Why these settings break the promise that `region` stays in its region, or undefined. */
  regionProblem(region: string, settings: Settings): string | undefined;
  /** Why this upstream model name would leave `region` when called through these settings, or undefined. */
  modelProblem(region: string, model: string, settings: Settings): string | undefined;
  /** What cannot be told from the name alone and the operator should look at, or undefined. */
  modelDoubt(model: string): string | undefined;
  /**
   * What the operator may set of the cloud's own controls, for an upstream, a model, a target and a workspace: every field optional. The values go to
   * `workers/providers` as they stand in weir.yaml.
   */
  readonly controls: TObject;
  /**
   * Headers by which a client of the cloud itself controls a call, in lower case. A client of the gateway that sends one expects it to be obeyed (a
   * guardrail above all), so it is refused where its workspace may set none, and never ignored.
   */
  readonly reserved: readonly string[];
  /** Names of fields that models of this provider take or do not, for `accepts.fields.add` in weir.yaml. */
  readonly fields: readonly string[];
  /**
   * What a model takes, as `workers/providers` reads it.
   * @param model - its name in the catalogue; undefined where it is not there
   * @param edits - of the configuration, the most specific last
   */
  accepts(model: string | undefined, edits: readonly AcceptsEdits[], settings: Settings): Accepts;
  /**
   * How long what it signs in with is good; undefined where that cannot be known, and where it is renewed by itself.
   * @param environment - of this process
   */
  validity(settings: Settings, environment: Readonly<Record<string, string | undefined>>): Validity | undefined;
  /**
   * How answers are kept by an upstream of these settings; left out by a provider that keeps none.
   * @throws Error as `resolve`
   */
  keeping?(settings: Settings): Keeping | undefined;
  /** One line for `check`: where it is and how it signs in, secrets masked. */
  summary(settings: Settings): string;
}
