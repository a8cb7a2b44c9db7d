/** Settings of an upstream at Azure: made from weir.yaml by `azure.ts` in this folder, and read by `workers/providers/azure`. Plain JSON. */

/** Credentials for a token of Microsoft Entra ID. */
export type EntraCredentials =
  | { kind: "client_secret"; tenantId: string; clientId: string; clientSecret: string; authority: string }
  | { kind: "workload_identity"; tenantId: string; clientId: string; tokenFile: string; authority: string }
  /** `clientId` undefined: the identity that the system assigned to the machine. */
  | { kind: "managed_identity"; clientId: string | undefined };

export type AzureCredentials = { kind: "key"; apiKey: string } | EntraCredentials;

export interface AzureSettings {
  /** The address, without a slash at its end. */
  endpoint: string;
  /** `v1`, or the version of the dated API. */
  api: string;
  allowStore: boolean;
  /** What ids of kept answers are sealed with; undefined: the key or the client secret. */
  storeSecret?: string | undefined;
  /** The one before `storeSecret`: ids that were sealed with it are still known. */
  storeSecretBefore?: string | undefined;
  credentials: AzureCredentials;
  /** Scope of the access token, such as `https://ai.azure.com/.default`. */
  scope: string;
}
