import type { Buffer } from "node:buffer";
import type { KeptResponses } from "./azure-kept.ts";
import type { Calls } from "./calls.ts";
import type { Breakage, Reply } from "./delivery.ts";
import type { DirectiveReader } from "./directive-reader.ts";
import type { Behaviour } from "./directives.ts";
import type { PromptCache } from "./prompt-cache.ts";
import type { Seal } from "./seal.ts";

/** A key of AWS. With a session token it is temporary and the token has to come with it, signed. */
export interface AwsCredential {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** Milliseconds since 1970; from then on its session token has expired. */
  expiresAtMs?: number;
}

interface EntraApplication {
  tenantId: string;
  clientId: string;
  clientSecret: string;
  /** Federated tokens of a workload identity that are taken for this application. */
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
  /** Undecoded, without the query. */
  path: string;
  /** Undecoded, without the question mark. */
  query: string;
  /** Lower-case names. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** What both stand-ins share. */
export interface State {
  credentials: Credentials;
  now(): number;
  paceMs: number;
  calls: Calls;
  directives: DirectiveReader;
  cache: PromptCache;
  /** Of this account and resource. */
  seal: Seal;
  stored: KeptResponses;
  /**
   * What stands behind names that do not tell: Bedrock model ids by the last part of an application inference profile's ARN, OpenAI's models by the
   * name of an Azure deployment.
   */
  behind: Readonly<Record<string, string>>;
  /** A new id of 24 characters: counted, so that a run can be repeated. */
  nextId(): string;
}

/** A stand-in's answer, and what is to go wrong with it. */
export interface Staged {
  reply: Reply;
  behaviour: Readonly<Behaviour>;
  breakage: Breakage;
}
