/**
 * What the front needs to know about a provider: its dialect, its part of `weir.yaml`, and which of its names stay in a region.
 * How the provider is called is in the folder of the same name under `workers/providers`.
 */
import type { TObject } from "@sinclair/typebox";
import type { Accepts, AcceptsEdits } from "../contract/accepts.ts";
import type { UpstreamDialect } from "../contract/dialect.ts";
import type { Keeping } from "../contract/kept.ts";
import type { Validity } from "./validity.ts";

/**
 * `Settings` is plain JSON for `workers/providers`. It holds secrets, so it is never logged. Its type is in `settings.ts` of the provider's folder; the
 * folder of the same name under `workers/providers` uses that type too. The members are methods, so that a provider with its own type can be used as this type:
 * it only gets settings that its own `resolve` has made.
 */
export interface ProviderSettings<Settings extends object = object> {
  readonly name: string;
  readonly dialect: UpstreamDialect;
  /** The provider's name in OpenTelemetry's conventions (`gen_ai.provider.name`). */
  readonly telemetryName: string;
  /** The fields of an upstream that only this provider has (`aws_region`, `api`, `credentials` …), with their names in `weir.yaml`. */
  readonly schema: TObject;
  /**
   * Makes settings for `workers/providers` from the fields, after variables and files were filled in and the result was checked against `schema`.
   * @throws Error that says what is missing or contradictory, without a secret; the caller adds the path.
   */
  resolve(fields: Record<string, unknown>): Settings;
  /** Why these settings break the promise that the calls of `region` stay in that region, or undefined. */
  regionProblem(region: string, settings: Settings): string | undefined;
  /** Why this upstream model name would leave `region` when called through these settings, or undefined. */
  modelProblem(region: string, model: string, settings: Settings): string | undefined;
  /** What the operator should check because the name of the model does not show it, or undefined. */
  modelDoubt(model: string): string | undefined;
  /**
   * The cloud's own controls that the operator may set, for an upstream, a model, a target and a workspace: every field optional. The values go to
   * `workers/providers` unchanged.
   */
  readonly controls: TObject;
  /**
   * Headers by which a client of the cloud itself controls a call, in lower case. A client that sends one to the gateway expects it to work (a
   * guardrail above all). So such a header is refused where the workspace may not set it; it is never ignored.
   */
  readonly reserved: readonly string[];
  /** Names of fields that not all models of this provider take, for `accepts.fields.add` in weir.yaml. */
  readonly fields: readonly string[];
  /**
   * What a model takes, in the form for `workers/providers`.
   * @param model - its name in the catalogue; undefined where it is not there
   * @param edits - the configuration's changes to it, the most specific last
   */
  accepts(model: string | undefined, edits: readonly AcceptsEdits[], settings: Settings): Accepts;
  /**
   * How long the credentials are valid; undefined where that is not known, and for credentials that are renewed by themselves.
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
