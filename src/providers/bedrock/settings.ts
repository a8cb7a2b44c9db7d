/** Settings of an upstream at Bedrock: made from weir.yaml by `bedrock.ts` in this folder, and read by `workers/providers/bedrock`. Plain JSON. */

/** Keys that requests are signed with, or the source of such keys. */
export type AwsCredentials =
  | { kind: "static"; accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  | { kind: "profile"; profile: string }
  | { kind: "default" };

export type BedrockCredentials = AwsCredentials | { kind: "bearer"; token: string };

export interface BedrockSettings {
  awsRegion: string;
  /** The address, without a slash at its end. */
  endpoint: string;
  credentials: BedrockCredentials;
  /** Beta flags that the operator allows in addition to the table's. */
  betas?: readonly string[];
}
