/** What the stand-ins have in common: who may call, a request as it came, and the answer that a stand-in gives to be sent. */
import type { Buffer } from "node:buffer";
import type { Behaviour } from "./behaviour.ts";
import type { Calls } from "./calls.ts";
import type { Breakage, Reply } from "./delivery.ts";
import type { DirectiveReader } from "./directives.ts";
import type { Seal } from "./seal.ts";

/** An access key of AWS. One with a session token is temporary: each request must have the token among its signed headers. */
export interface AwsCredential {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  /** The time from which the session token is expired, in milliseconds since 1970. */
  expiresAtMs?: number;
}

interface EntraApplication {
  tenantId: string;
  clientId: string;
  clientSecret: string;
  /** The workload identity's federated tokens that this application accepts instead of its secret. */
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
  /** The path without the query, not decoded. */
  path: string;
  /** The query without the question mark, not decoded. */
  query: string;
  /** Headers by their names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

/** What all stand-ins of one sandbox share. */
export interface State {
  credentials: Credentials;
  now(): number;
  paceMs: number;
  calls: Calls;
  directives: DirectiveReader;
  /** Seals of this account (Bedrock) and this resource (Azure). */
  seal: Seal;
  /**
   * The models that names stand for where the names do not show them: Bedrock's model ids by the last part of an application inference profile's ARN,
   * OpenAI's models by the name of an Azure deployment.
   */
  behind: Readonly<Record<string, string>>;
  /** A new id of 24 characters. It is a counter, so that every run has the same ids. */
  nextId(): string;
}

/** A stand-in's answer, and the faults with which it is sent. */
export interface Staged {
  reply: Reply;
  behaviour: Readonly<Behaviour>;
  breakage: Breakage;
}
