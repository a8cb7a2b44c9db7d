/** Settings of an upstream at Bedrock: `bedrock.ts` beside it makes them of weir.yaml, and `workers/providers/bedrock` reads them. Plain JSON. */

/** Keys that requests are signed with, and where they come from. */
export type AwsCredentials =
  | { kind: "static"; accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  | { kind: "profile"; profile: string }
  | { kind: "default" };

export type BedrockCredentials = AwsCredentials | { kind: "bearer"; token: string };

export interface BedrockSettings {
  awsRegion: string;
  /** Without a slash at its end. */
  endpoint: string;
  credentials: BedrockCredentials;
  /** Flags that the operator lets through beside those of the table. */
  betas?: readonly string[];
}
