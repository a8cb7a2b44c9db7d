/** Finds the model of an id. Source: platform.claude.com/docs, pages about Bedrock (ids and inference profiles, August 2026). */

/** What an id says about a model. */
export interface Model {
  /** The name that answers have: the id without its vendor, profile and suffix. */
  name: string;
  /** The version of the model as a number, such as 3.5. It decides what the service accepts. */
  version: number;
  /** The part before the vendor (`eu`, `us`, `global` …) in the id of an inference profile; `arn` for an ARN. */
  profile: string | undefined;
}

const ID =
  /^(?:([a-z-]+)\.)?anthropic\.(claude-(?:(\d)(?:-(\d))?-)?(?:haiku|sonnet|opus|fable|mythos)(?:-(\d)(?:-(\d))?)?(?:-\d{8})?)(?:-v\d(?::\d(?::\d+k)?)?)?$/;
const ARN = /^arn:aws[a-z-]*:(?:bedrock|sagemaker):([a-z0-9-]+):\d{12}:[a-z-]+\/(.+)$/;
/** The AWS regions from which each profile can be called. */
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
/** The model of an application inference profile that `State.behind` does not name: its ARN does not show the model. */
const BEHIND_ARN = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
/** From this version on, a model is called by an inference profile only, not by its own id. */
const FIRST_BY_PROFILE_ONLY = 3.7;

export type Found = Model | "unknown" | "needs profile";

/**
 * @param region the AWS region of the signature; undefined for a call with an API key, which names no region
 * @param behind see `State.behind`
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
