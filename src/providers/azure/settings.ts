/** Settings of an upstream at Azure: `azure.ts` beside it makes them of weir.yaml, and `workers/providers/azure` reads them. Plain JSON. */

/** Signing in with a token of Microsoft Entra ID. */
export type EntraCredentials =
  | { kind: "client_secret"; tenantId: string; clientId: string; clientSecret: string; authority: string }
  | { kind: "workload_identity"; tenantId: string; clientId: string; tokenFile: string; authority: string }
  /** `clientId` undefined: the one that the machine has of itself. */
  | { kind: "managed_identity"; clientId: string | undefined };

export type AzureCredentials = { kind: "key"; apiKey: string } | EntraCredentials;

export interface AzureSettings {
  /** Without a slash at its end. */
  endpoint: string;
  /** `v1`, or the version of the dated API. */
  api: string;
  allowStore: boolean;
  /** What ids of kept answers are sealed with; undefined: the key or the client secret. */
  storeSecret?: string | undefined;
  /** The one before `storeSecret`: ids that were sealed with it are still known. */
  storeSecretBefore?: string | undefined;
  credentials: AzureCredentials;
  /** What a token is asked for: `https://ai.azure.com/.default`. */
  scope: string;
}
