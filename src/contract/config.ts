import type { Accepts, AcceptsEdits } from "./accepts.ts";
import type { Controls } from "./controls.ts";
import type { UpstreamDialect } from "./dialect.ts";
import type { Keeping } from "./kept.ts";
import type { Clocks } from "./turn.ts";

/** The configuration after checking: defaults filled in, secrets read, durations in milliseconds, sizes in bytes. See `config.ts`. */
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
    /** Clients speak TLS; `identity` has what they are shown. */
    tls: boolean;
    drainTimeoutMs: number;
    drainGraceMs: number;
    clocks: Clocks;
    /** Addresses and networks, as they were written. */
    trustedProxies: readonly string[];
    /** Which answers say where their time went. */
    serverTiming: "asked" | "always";
    /** Undefined: pages of other origins may not call. In force at once after a reload, unlike the rest of this part. */
    cors: Cors | undefined;
  };
  /** The certificate and key; undefined without TLS. */
  identity: Identity | undefined;
  admin: { host: string; port: number; token: string | undefined; hosts: string[] };
  /** That share the public listener; 1 has no supervisor. */
  processes: number;
  /** Threads of a process. */
  workers: number;
  redis: Redis | undefined;
  log: CallLog;
  limits: Limits;
  strictParameters: boolean;
  proxy: ProxySettings | undefined;
  /** Calls are traced, as the environment says (`OTEL_…`). */
  tracing: boolean;
  /** Where keys made over the admin listener are kept when there is no Redis: an absolute path. */
  directory: { file: string };
  upstreams: Record<string, Upstream>;
  models: Record<string, Model>;
  workspaces: Record<string, Workspace>;
}

/** Which web pages may call. */
export interface Cors {
  /** As browsers send them; "*" is every origin. */
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

/** `config` with what is fixed as it is in `fixed`. */
export function withFixed(config: Config, fixed: FixedConfig): Config {
  const kept: Config = { ...config, ...Object.fromEntries(FIXED.map((part) => [part, fixed[part]])) };
  return { ...kept, server: { ...kept.server, cors: config.server.cors } };
}

/** Which calls have a line in the log, and what the line says of their clients. */
export interface CallLog {
  /** Share of the good calls that is logged: from 0 to 1. */
  sample: number;
  /** Slower ones always have one. */
  slowMs: number;
  attribution: boolean;
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

/** Milliseconds. */
export interface Timeouts {
  connectMs: number;
  firstByteMs: number;
  silenceMs: number;
  totalMs: number;
}

/** `Settings`: of its provider, which alone knows more of them than that they are an object. */
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
  /** Calls at a time in one process; undefined: as many as come. */
  maxCalls: number | undefined;
  /** PEM text of further authorities to trust, beside the system's. */
  ca: string | undefined;
  /** Headers of the cloud's own that are not a client's to set. */
  reserved: readonly string[];
  /** Fields and flags that its models take in addition to the provider's table, or do not take. */
  accepts: AcceptsEdits | undefined;
  /** Controls for all calls to it, where no more specific place sets them. */
  controls?: Controls | undefined;
  /** How it keeps answers that clients may ask for again; undefined where it keeps no answers. */
  keeping: Keeping | undefined;
  /** Settings of this provider alone, as its own `resolve` made them: plain JSON, secrets included. Never logged. */
  settings: Settings;
}

export interface Target {
  /** A key of `Config.upstreams`, or of the workspace's own. */
  upstream: string;
  /** The upstream's name of the model: a Bedrock model id, an Azure deployment. */
  model: string;
  /** The name that its tokens are counted by, where the operator gave one. */
  countModel: string | undefined;
  /** Targets of a lower rank are tried first. */
  rank: number;
  /** Share of the calls among the targets of its rank. */
  weight: number;
  /** Fields and flags that the model takes there. */
  accepts: Accepts;
  /** Controls of the target, or else of its model. */
  controls?: Controls | undefined;
  /** Set where this model has clocks of its own. */
  timeouts: Timeouts;
}

/** Which tokenizer a model counts with, where that is known; see `src/catalogue.ts`. */
export type TokenizerFamily = "claude-3" | "claude-4.7" | "o200k" | "cl100k";

/** What is known of a model, apart from the way to reach it. */
export interface ModelFacts {
  /** When it came out, in seconds since 1970; 0 where that is not known. */
  created: number;
  family: TokenizerFamily | undefined;
  /** For a second name of a model (`claude-sonnet-4-5`): the first (`claude-sonnet-4-5-20250929`), whose limits and metrics it shares. Its targets are copied here. */
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
  /** Its clients may set controls by headers of the cloud's own. */
  mayControl?: boolean;
  /** Its own upstreams, beside the shared ones. */
  upstreams: Record<string, Upstream>;
  /** `targets` undefined: the shared model's. Where any entry has targets, these models are the whole list. */
  models: Record<string, WorkspaceModel>;
  keys: Key[];
}

export interface WorkspaceModel extends ModelFacts {
  limits: Limits;
  estimate: "fast" | "exact" | undefined;
  affinity: boolean | undefined;
  /** Where it has no targets of its own, which have theirs. */
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
