import type { Accepts, AcceptsEdits } from "./accepts.ts";
import type { Controls } from "./controls.ts";
import type { UpstreamDialect } from "./dialect.ts";
import type { Keeping } from "./kept.ts";

/** The configuration after its check by `src/config`: defaults filled in, secrets read, durations in milliseconds, sizes in bytes. */
export interface Config {
  /** True where nothing was configured: stand-ins for the upstreams, one demo key. */
  sandbox: boolean;
  server: {
    host: string;
    port: number;
    maxBodyBytes: number;
    maxCalls: number;
    maxConnections: number;
    maxBufferedBytes: number;
    /** Clients speak TLS; the certificate is in `identity`. */
    tls: boolean;
    drainTimeoutMs: number;
    drainGraceMs: number;
    clocks: Clocks;
    /** Addresses and networks, as they were written. */
    trustedProxies: readonly string[];
    /** Which answers have a `server-timing` header: those whose client asks for it, or all. */
    serverTiming: "asked" | "always";
    /** Undefined: pages of other origins may not call. In force at once after a reload, unlike the rest of this part. */
    cors: Cors | undefined;
  };
  /** The certificate and key; undefined without TLS. */
  identity: Identity | undefined;
  admin: { host: string; port: number; token: string | undefined; hosts: string[] };
  /** Processes that share the public port. A single process has no supervisor. */
  processes: number;
  /** Worker threads of each process; 0: the front's own thread does their work. */
  workers: number;
  redis: Redis | undefined;
  log: CallLog;
  limits: Limits;
  strictParameters: boolean;
  proxy: ProxySettings | undefined;
  /** Where the spans of calls go, as the environment says (`OTEL_…`); undefined where calls are not traced. */
  tracing: TracingTarget | undefined;
  /** Where keys made over the admin listener are kept when there is no Redis: an absolute path. */
  directory: { file: string };
  upstreams: Record<string, Upstream>;
  models: Record<string, Model>;
  workspaces: Record<string, Workspace>;
}

/** How long a client's connection may be silent, in milliseconds. `headMs` is for the whole head. */
export interface Clocks {
  headMs: number;
  sendingMs: number;
  readingMs: number;
  idleMs: number;
}

/** Which web pages may call. */
export interface Cors {
  /** Origins as browsers send them; "*" is every origin. */
  origins: "*" | readonly string[];
  /** How long a browser may keep the answer to a preflight. */
  maxAgeMs: number;
}

/** The certificate and key that a TLS server shows its clients. */
export interface Identity {
  /** PEM texts. */
  cert: string;
  key: string;
  expiresAtMs: number;
}

/** Settings that only a new start can change. */
export const FIXED = [
  "server",
  "admin",
  "processes",
  "workers",
  "redis",
  "directory",
  "proxy",
] as const satisfies readonly (keyof Config)[];
export type FixedConfig = Pick<Config, (typeof FIXED)[number]>;

export function fixedOf({ server, admin, processes, workers, redis, directory, proxy }: Config): FixedConfig {
  return { server: { ...server, cors: undefined }, admin, processes, workers, redis, directory, proxy };
}

/** `config` with the settings of `fixed` in place of its own. */
export function withFixed(config: Config, fixed: FixedConfig): Config {
  const kept: Config = { ...config, ...Object.fromEntries(FIXED.map((part) => [part, fixed[part]])) };
  return { ...kept, server: { ...kept.server, cors: config.server.cors } };
}

/** Which calls have a line in the log, and what the line says of their clients. */
export interface CallLog {
  /** Share of the good calls that is logged: from 0 to 1. */
  sample: number;
  /** Slower calls always have a line. */
  slowMs: number;
  attribution: boolean;
}

/** What an operator wants to know about traces. OpenTelemetry's packages read the environment themselves. */
export interface TracingTarget {
  /** Scheme, host and port. */
  collector: string;
  /** The sampler's name, with its share where it has one: `traceidratio 0.01`. */
  sampler: string;
}

/** Proxy settings, as in the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`). */
export interface ProxySettings {
  https: string | undefined;
  http: string | undefined;
  no: string | undefined;
}

export interface Redis {
  url: string | undefined;
  cluster: string[] | undefined;
  sentinel: { name: string; nodes: string[] } | undefined;
  username: string | undefined;
  password: string | undefined;
  tls: boolean;
  /** Begins the name of every key and channel. */
  prefix: string;
  onFailure: "local" | "closed" | "open";
  timeoutMs: number;
}

/** Limits as one place of the configuration sets them. A field that is undefined is decided by the next less specific place; at the top level all are set. */
export interface Limits {
  rpm: number | undefined;
  tpm: number | undefined;
  /** Token counts in a minute. */
  countRpm: number | undefined;
  cacheReadWeight: number | undefined;
  reserveOutput: "expected" | "max_tokens" | undefined;
}

/** Limits in force for one workspace and model. */
export interface EffectiveLimits {
  rpm: number;
  tpm: number;
  countRpm: number;
  cacheReadWeight: number;
  reserveOutput: "expected" | "max_tokens";
}

/** How long the parts of a call to an upstream may take, in milliseconds. */
export interface Timeouts {
  connectMs: number;
  firstByteMs: number;
  silenceMs: number;
  totalMs: number;
}

/** `Settings`: the type of the provider's settings. Code outside the provider knows only that they are an object. */
export interface Upstream<Settings extends object = object> {
  /** Its key in `Config.upstreams`; `workspace/key` for a workspace's own, so that no two upstreams share a name in a log or a metric. */
  name: string;
  /** A name in `src/providers`. */
  provider: string;
  dialect: UpstreamDialect;
  /** OpenTelemetry's name of this kind of cloud. */
  telemetryName: string;
  region: string;
  timeouts: Timeouts;
  /** Calls at a time in one process; undefined: without a bound. */
  maxCalls: number | undefined;
  /** PEM text of authorities to trust in addition to those of the system. */
  ca: string | undefined;
  /** Headers of the cloud that clients may not set. */
  reserved: readonly string[];
  /** Fields and flags that its models take in addition to the provider's table, or do not take. */
  accepts: AcceptsEdits | undefined;
  /** Controls for all calls to it, where no more specific place sets them. */
  controls?: Controls | undefined;
  /** How it keeps answers that clients may ask for again; undefined where it keeps no answers. */
  keeping: Keeping | undefined;
  /** The provider's settings, made by its `resolve`: plain JSON, secrets included. Never logged. */
  settings: Settings;
}

export interface Target {
  /** A key of `Config.upstreams`, or of the workspace's upstreams. */
  upstream: string;
  /** The upstream's name of the model: a Bedrock model id, an Azure deployment. */
  model: string;
  /** The name of the model for the upstream's count of tokens, where the operator gave one (`count_model`). */
  countModel: string | undefined;
  /** Targets of a lower rank are tried first. */
  rank: number;
  /** Share of the calls among the targets of its rank. */
  weight: number;
  /** Fields and flags that the model takes there. */
  accepts: Accepts;
  /** Controls of the target; where it has none, those of its model. */
  controls?: Controls | undefined;
  /** The model's own where it has any, else those of the upstream. */
  timeouts: Timeouts;
}

/** The tokenizers that are known; `src/catalogue.ts` says which one a model has. */
export type TokenizerFamily = "claude-3" | "claude-4.7" | "o200k" | "cl100k";

/** Facts of a model that do not depend on its targets. */
export interface ModelFacts {
  /** When it came out, in seconds since 1970; 0 where that is not known. */
  created: number;
  family: TokenizerFamily | undefined;
  /**
   * For a second name of a model (`claude-sonnet-4-5`): its first name (`claude-sonnet-4-5-20250929`). The two names share limits and metrics. The targets of
   * the first name are copied to the second.
   */
  aliasOf: string | undefined;
}

export interface Model extends ModelFacts {
  limits: Limits;
  estimate: "fast" | "exact";
  /** Conversations keep their target. */
  affinity: boolean;
  targets: Target[];
}

export interface Workspace {
  name: string;
  defaultRegion: string | undefined;
  /** Calls at a time in one process; undefined: a share of `server.maxCalls`. */
  maxConcurrent: number | undefined;
  limits: Limits;
  /** Controls for its calls; they win over those of shared upstreams, models and targets. */
  controls?: Controls | undefined;
  /** Its clients may set controls by headers of the cloud. */
  mayControl?: boolean;
  /** Its own upstreams, in addition to the shared ones. */
  upstreams: Record<string, Upstream>;
  /** An entry without targets uses those of the shared model. Where any entry has targets, these models are the whole list. */
  models: Record<string, WorkspaceModel>;
  keys: Key[];
}

export interface WorkspaceModel extends ModelFacts {
  limits: Limits;
  estimate: "fast" | "exact" | undefined;
  affinity: boolean | undefined;
  /** For a model without targets; otherwise each target has its controls. */
  controls?: Controls | undefined;
  targets: Target[] | undefined;
}

export interface Key {
  name: string;
  /** Lower-case hexadecimal SHA-256 of the whole key. */
  sha256: string;
  /** Milliseconds since 1970. */
  expiresAtMs: number | undefined;
  /** Calls at a time in one process; undefined: as many as its workspace may have. */
  maxConcurrent: number | undefined;
}
