import type { Buffer } from "node:buffer";
import type { KeptResponses } from "./azure/kept.ts";
import type { Calls } from "./calls.ts";
import type { Breakage, Reply } from "./delivery.ts";
import type { DirectiveReader } from "./directive-reader.ts";
import type { Behaviour } from "./directives.ts";
import type { PromptCache } from "./bedrock/cache.ts";
import type { Seal } from "./seal.ts";

/** An access key of AWS. With a session token it is temporary, and requests must carry the token, signed. */
export interface AwsCredential {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** Milliseconds since 1970; from then on the session token is expired. */
  expiresAtMs?: number;
}

interface EntraApplication {
  tenantId: string;
  clientId: string;
  clientSecret: string;
  /** Federated tokens of a workload identity that this application may use. */
  assertions: string[];
  tokenLifetimeSeconds: number;
}

export interface Credentials {
  aws: AwsCredential[];
  /** Bedrock API keys. */
  bearerTokens: string[];
  /** Keys of the Azure resource. */
  apiKeys: string[];
  entra: EntraApplication;
}

/** A request as it came. */
export interface Arrival {
  method: string;
  /** Path, undecoded, without the query. */
  path: string;
  /** Query, undecoded, without the question mark. */
  query: string;
  /** Headers by their names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** What both stand-ins use. */
export interface State {
  credentials: Credentials;
  now(): number;
  paceMs: number;
  calls: Calls;
  directives: DirectiveReader;
  cache: PromptCache;
  /** Seals of this account and resource. */
  seal: Seal;
  stored: KeptResponses;
  /**
   * Models behind names that do not show them: Bedrock model ids by the last part of an application inference profile's ARN, OpenAI's models by the
   * name of an Azure deployment.
   */
  behind: Readonly<Record<string, string>>;
  /** A new id of 24 characters: a counter, so that every run has the same ids. */
  nextId(): string;
}

/** A stand-in's answer, and the faults that it is sent with. */
export interface Staged {
  reply: Reply;
  behaviour: Readonly<Behaviour>;
  breakage: Breakage;
}
