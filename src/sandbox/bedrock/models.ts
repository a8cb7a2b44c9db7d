/** What the stand-in knows about a model: its version decides what the service takes. wire.md §1.9 and §1.12. */
export interface BedrockModel {
  /** The name in answers: without vendor, profile and API date. */
  name: string;
  version: number;
  /** The part before the vendor (`eu`, `us`, `global` …), where the id is an inference profile. */
  profile: string | undefined;
}

const ID =
  /^(?:([a-z-]+)\.)?anthropic\.(claude-(?:(\d)(?:-(\d))?-)?(?:haiku|sonnet|opus|fable|mythos)(?:-(\d)(?:-(\d))?)?(?:-\d{8})?)(?:-v\d(?::\d(?::\d+k)?)?)?$/;
const ARN = /^arn:aws[a-z-]*:(?:bedrock|sagemaker):([a-z0-9-]+):\d{12}:[a-z-]+\/(.+)$/;
const PROFILES: Readonly<Record<string, RegExp>> = {
  global: /^/,
  us: /^us-/,
  "us-gov": /^us-gov-/,
  eu: /^eu-/,
  apac: /^ap-/,
  jp: /^ap-northeast-/,
  au: /^ap-southeast-/,
  ca: /^ca-/,
};
/** The model behind an application inference profile whose model is not configured, since its ARN does not show it. */
const BEHIND_ARN = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/** From this version on, the bare id has no on-demand throughput. */
const FIRST_BY_PROFILE_ONLY = 3.7;

export type Found = BedrockModel | "unknown" | "needs profile";

/**
 * @param region AWS region of the signature; undefined with a bearer key, which has none
 * @param behind model ids by the last part of an application inference profile's ARN
 */
export function findModel(id: string, region: string | undefined, behind: Readonly<Record<string, string>> = {}): Found {
  const arn = ARN.exec(id);
  if (arn !== null) {
    if (region !== undefined && arn[1] !== region) return "unknown";
    const inner = ID.test(arn[2] ?? "") ? findModel(arn[2] ?? "", region) : findModel(behind[arn[2] ?? ""] ?? BEHIND_ARN, undefined);
    return typeof inner === "object" ? { ...inner, profile: "arn" } : inner;
  }
  const found = ID.exec(id);
  const name = found?.[2];
  if (found === null || name === undefined) return "unknown";
  const version = Number(found[3] ?? found[5] ?? 0) + Number(found[4] ?? found[6] ?? 0) / 10;
  if (version === 0) return "unknown";
  const profile = found[1];
  if (profile === undefined) return version >= FIRST_BY_PROFILE_ONLY ? "needs profile" : { name, version, profile };
  const regions = PROFILES[profile];
  if (regions === undefined || (region !== undefined && !regions.test(region))) return "unknown";
  return { name, version, profile };
}
