/**
 * The whole of `weir.yaml`: every setting once, with its type, its default and its sentence. From it come the check, the published JSON Schema
 * and `docs/configuration.md`. `title` says in a message what was expected; `writeOnly` marks a secret.
 */
import { type Static, type TObject, type TOptional, type TProperties, type TSchema, type TUnsafe, Type } from "@sinclair/typebox";
import { secret } from "../providers/fields.ts";
import { providers } from "../providers/index.ts";
import { DURATION, SIZE } from "./units.ts";

/** Names end up in paths, Redis keys and metric labels. Those of models also hold the marks that vendors use. */
export const NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
export const MODEL_NAME = "^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$";
const HOST_NAME = "^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$";
export const NAME_TITLE = "a name of letters, digits, dots, underscores and hyphens, at most 64 of them";
export const MODEL_NAME_TITLE = "a name of letters, digits and any of . _ - : @ /, at most 128 of them";

function map<Properties extends TProperties>(
  properties: Properties,
  description: string,
  more: { default?: object } = {},
): TObject<Properties> {
  return Type.Object(properties, { additionalProperties: false, description, ...more });
}

function named<Value extends TSchema>(value: Value, description: string, pattern: string = NAME, title: string = NAME_TITLE) {
  return Type.Record(Type.String({ pattern }), value, { additionalProperties: false, description, title });
}

function duration(description: string, more: { default?: string } = {}) {
  return Type.String({ title: "a duration such as 50ms, 5s, 2m or 1h", pattern: DURATION, description, ...more });
}

function oneOf<Names extends readonly string[]>(names: readonly [...Names], description: string, more: { default?: Names[number] } = {}) {
  return Type.Unsafe<Names[number]>(
    Type.Union(
      names.map((name) => Type.Literal(name)),
      { description, ...more },
    ),
  );
}

const host = (fallback: string, description: string) => Type.String({ minLength: 1, default: fallback, description });
const port = (fallback: number, description: string) => Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description });

const rpm = { minimum: 1, maximum: 1_000_000_000, description: "Requests that may begin in any 60 seconds." };
const tpm = { minimum: 1, maximum: 1_000_000_000, description: "Tokens that may be used in any 60 seconds." };
const countRpm = {
  minimum: 1,
  maximum: 1_000_000_000,
  description:
    "Token counts (`…/count_tokens`) and questions for kept answers that may begin in any 60 seconds, in a window of their own. Left out everywhere: as many as `rpm`.",
};
const cacheReadWeight = {
  minimum: 0,
  maximum: 1,
  description: "How much of a token that was read from a prompt cache counts: 0 not at all, 1 in full.",
};
const RESERVE_OUTPUT = ["expected", "max_tokens"] as const;
const RESERVE_OUTPUT_TEXT =
  "How much of the answer is reserved beforehand: `expected` (what answers of this workspace and model have been like) or `max_tokens` (all the client allows).";

/** Limits of a workspace or of a model. A limit that is left out is taken from the next less specific place. */
export const limitFields = {
  rpm: Type.Optional(Type.Integer(rpm)),
  tpm: Type.Optional(Type.Integer(tpm)),
  count_rpm: Type.Optional(Type.Integer(countRpm)),
  cache_read_weight: Type.Optional(Type.Number(cacheReadWeight)),
  reserve_output: Type.Optional(oneOf(RESERVE_OUTPUT, RESERVE_OUTPUT_TEXT)),
};

const limits = (description: string) => Type.Optional(map(limitFields, description));

const CLOCKS = {
  connect: "Longest time until the connection to an upstream is open, TLS included.",
  first_byte: "Longest time from the request until the first byte of the answer.",
  silence: "Longest pause inside an answer.",
  total: "Longest time for the whole call.",
};

const timeouts = (description: string) =>
  Type.Optional(
    map(
      {
        connect: Type.Optional(duration(CLOCKS.connect)),
        first_byte: Type.Optional(duration(CLOCKS.first_byte)),
        silence: Type.Optional(duration(CLOCKS.silence)),
        total: Type.Optional(duration(CLOCKS.total)),
      },
      description,
    ),
  );

const nameList = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern: "^[A-Za-z0-9_.-]{1,64}$", title: "a name of letters, digits, _, - and ." }), { description }),
  );

/** What a model takes, beside what the tables say of it. */
const acceptsFields = {
  betas: Type.Optional(
    map(
      {
        add: nameList("Flags to let through where the client asks for them."),
        remove: nameList("Flags that are left out."),
      },
      "Flags of `anthropic-beta`, on Bedrock.",
    ),
  ),
  fields: Type.Optional(
    map(
      {
        add: nameList(
          "Fields to let through: names of the table in [fidelity.md](fidelity.md), such as `output_config.format` where Bedrock has it for one more model.",
        ),
        remove: nameList(
          "Fields that are left out: names of that table, any field of the top level, or `tools.NAME`, `messages.NAME`, `content.NAME`, `cache_control.NAME` for a field inside of these.",
        ),
      },
      "Fields of requests.",
    ),
  ),
};

const acceptsOf = (description: string, more: TProperties = {}) => Type.Optional(map({ ...more, ...acceptsFields }, description));

const modelAccepts = acceptsOf(
  "What the model takes, where the tables are wrong about it or do not know it. What it does not take is left out of requests, and answers say so in `x-weir-dropped`.",
  {
    as: Type.Optional(
      Type.String({
        title: "the name of a model of the catalogue",
        minLength: 1,
        description:
          "The catalogue's name of the model behind it, where neither its own name nor the target's says it: an application inference profile, a deployment.",
      }),
    ),
  },
) as unknown as TOptional<TUnsafe<{ as?: string } & AcceptsSettings>>;

export interface AcceptsSettings {
  betas?: { add?: string[]; remove?: string[] };
  fields?: { add?: string[]; remove?: string[] };
}

/** The controls of every provider; which of them an upstream has is its provider's matter. */
const allControls = Object.assign({}, ...[...providers.values()].map((provider) => provider.controls.properties)) as Record<
  string,
  TSchema
>;

export type ControlSettings = Record<string, unknown>;

const controls = (description: string) =>
  Type.Optional(Type.Unsafe<ControlSettings>(Type.Object(allControls, { additionalProperties: false, description })));

const MORE_SPECIFIC =
  "The most specific place that sets a control decides: a workspace's own target or model, the workspace, a target, its model, the upstream.";

const upstreamFields = {
  region: Type.String({
    title: "a region's name in lower case, such as eu or us",
    pattern: "^[a-z][a-z0-9-]{0,31}$",
    description: "Region in Weir's routes that this upstream serves. What is asked of it there never leaves it.",
  }),
  timeouts: timeouts("Clocks of this upstream, where they differ from `timeouts`."),
  max_calls: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      description:
        "Calls that a process has open at this upstream at a time. Beyond it a call goes to the model's next target; where there is none, it is refused with 503 (529). Left out: as many as `server.max_calls` lets in.",
    }),
  ),
  accepts: acceptsOf("What models take at this upstream, where it is more or less than elsewhere.") as TOptional<TUnsafe<AcceptsSettings>>,
  ca_file: Type.Optional(
    Type.String({
      title: "the path of a file",
      minLength: 1,
      description: "PEM file of certificate authorities to trust beside the system's.",
    }),
  ),
};

/** What every upstream has, and its provider's own fields as they come. */
export type UpstreamSettings = Static<TObject<typeof upstreamFields>> & { provider: string } & Record<string, unknown>;

/** One schema for each provider; they differ by `provider`. */
const upstream = Type.Unsafe<UpstreamSettings>(
  Type.Union(
    [...providers.values()].map(({ name, schema, controls }) =>
      Type.Object(
        {
          provider: Type.Literal(name, { description: "What kind of cloud it is." }),
          ...upstreamFields,
          ...schema.properties,
          ...(Object.keys(controls.properties).length > 0 && {
            controls: Type.Optional(
              Type.Object(controls.properties, {
                additionalProperties: false,
                description: `The cloud's own controls of every call to this upstream. ${MORE_SPECIFIC}`,
              }),
            ),
          }),
        },
        { additionalProperties: false, title: `an upstream of provider ${name}` },
      ),
    ),
    { title: "an upstream" },
  ),
);

const target = map(
  {
    upstream: Type.String({ minLength: 1, description: "Name of an upstream: one of the workspace's own, or one of `upstreams`." }),
    model: Type.String({
      title: "the upstream's name of the model, without blanks",
      pattern: "^\\S+$",
      maxLength: 2048,
      description: "What the upstream calls the model: a Bedrock model id, inference profile or ARN; an Azure deployment.",
    }),
    count_model: Type.Optional(
      Type.String({
        title: "the upstream's name of the model, without blanks",
        pattern: "^\\S+$",
        maxLength: 2048,
        description:
          "The name by which the upstream counts the model's tokens, where it is another one. Left out: on Bedrock the model's own id, without the prefix of its inference profile.",
      }),
    ),
    rank: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        description:
          "Targets of a lower rank are tried first; those of one rank share the calls. Left out: the place in the list, so that a plain list is an order.",
      }),
    ),
    weight: Type.Integer({
      minimum: 1,
      maximum: 1000,
      default: 1,
      description: "Share of the calls among the targets of the same rank and region.",
    }),
    controls: controls("The cloud's own controls of calls to this target."),
  },
  "One place where the model is served.",
);

const targets = Type.Array(target, {
  minItems: 1,
  description:
    "Where the model is served, in order of preference: where one fails before the client has seen anything, the next one of the same region is tried.",
});
const AFFINITY = ["on", "off"] as const;
const AFFINITY_TEXT =
  "Whether a conversation keeps its target, so that prompt caches and encrypted reasoning stay of use: `on`, or `off` to share single calls instead.";
const ESTIMATE = ["fast", "exact"] as const;
const ESTIMATE_TEXT =
  "How requests are weighed: `fast`, or `exact` by the model's own token table (OpenAI's models only; dearer than the rest of a small request).";
const family = Type.Optional(
  oneOf(
    ["claude-3", "claude-4.7", "o200k", "cl100k"],
    "Tokenizer to weigh by. Known for the models of the catalogue, so needed for other names alone.",
  ),
);

const aliases = Type.Optional(
  Type.Array(Type.String({ title: MODEL_NAME_TITLE, pattern: MODEL_NAME }), {
    description:
      "Further names of the model, with its targets, limits and metrics. Those that the shipped catalogue has for it (`claude-sonnet-4-5` of `claude-sonnet-4-5-20250929`) are names by themselves, unless they stand here for another model.",
  }),
);

const model = map(
  {
    aliases,
    limits: limits("Limits of this model for every workspace, where they differ from `limits`."),
    timeouts: timeouts("Clocks of this model, where they differ from its upstream's."),
    accepts: modelAccepts,
    controls: controls("The cloud's own controls of calls to this model, whatever the target."),
    estimate: oneOf(ESTIMATE, ESTIMATE_TEXT, { default: "fast" }),
    affinity: oneOf(AFFINITY, AFFINITY_TEXT, { default: "on" }),
    family,
    targets,
  },
  "A model, under the name that clients use.",
);

const workspaceModel = map(
  {
    aliases,
    limits: limits("Limits of this model in this workspace."),
    estimate: Type.Optional(oneOf(ESTIMATE, ESTIMATE_TEXT)),
    affinity: Type.Optional(oneOf(AFFINITY, AFFINITY_TEXT)),
    accepts: modelAccepts,
    controls: controls("The cloud's own controls of this workspace's calls to this model."),
    family,
    targets: Type.Optional(targets),
  },
  "A model in this workspace. With `targets` it is the workspace's own; without, the shared model with other limits.",
);

/** Fields of a key, in the configuration and in the directory. */
export const keyConcurrency = {
  minimum: 1,
  maximum: 10_000_000,
  description:
    "Calls that this key has open at a time in one process; beyond it a call is refused with 503 (529) before its body is read. Left out: as many as its workspace may have.",
};
/** Fields of a workspace, in the configuration and in the directory. */
export const workspaceConcurrency = {
  minimum: 1,
  maximum: 10_000_000,
  description:
    "Calls that this workspace has open at a time in one process; beyond it a call is refused with 503 (529) before its body is read. Left out: half of `server.max_calls`.",
};

const key = map(
  {
    name: Type.String({ title: NAME_TITLE, pattern: NAME, description: "What the key is called in logs and lists." }),
    sha256: Type.String({
      title: "64 hexadecimal digits, the SHA-256 of the whole key (printf %s KEY | sha256sum)",
      pattern: "^[0-9A-Fa-f]{64}$",
      description:
        'SHA-256 of the whole key (`printf %s "$KEY" | sha256sum`). The key itself is never written down; it begins with `weir_`.',
    }),
    expires_at: Type.Optional(
      Type.String({
        title: "a time such as 2027-01-01T00:00:00Z",
        pattern: "^[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))?$",
        description: "When the key ends; a date alone means midnight UTC. Left out: never.",
      }),
    ),
    max_concurrent: Type.Optional(Type.Integer(keyConcurrency)),
  },
  "An API key.",
);

const workspace = map(
  {
    default_region: Type.Optional(Type.String({ description: "Region of the routes that have none in their path." })),
    max_concurrent: Type.Optional(Type.Integer(workspaceConcurrency)),
    controls: controls("The cloud's own controls of all calls of this workspace, where the call's cloud has them."),
    client_controls: Type.Optional(
      Type.Boolean({
        description:
          "Whether clients of this workspace may set controls by the cloud's own headers (`x-amzn-bedrock-…`), before the configured ones. A configured guardrail they cannot replace. Left out: no, and a request with such a header is refused with 400.",
      }),
    ),
    limits: limits("Limits of each model in this workspace, where they differ from `limits`. They are per model, not a total."),
    upstreams: Type.Optional(named(upstream, "Upstreams of this workspace alone: its own keys, its own bill.")),
    models: Type.Optional(
      named(
        workspaceModel,
        "Models that differ here. As soon as one has `targets`, these are all the models that this workspace has.",
        MODEL_NAME,
        MODEL_NAME_TITLE,
      ),
    ),
    keys: Type.Array(key, { default: [], description: "Keys of this workspace. More can be made over the admin listener." }),
  },
  "A team: the holder of keys and limits.",
);

const redis = map(
  {
    ...urlProperties(),
    cluster: Type.Optional(
      Type.Array(Type.String({ title: "an address such as redis://10.0.0.1:6379", pattern: "^rediss?://[^\\s/@]+$" }), {
        minItems: 1,
        description: "Nodes of a Redis Cluster to begin with, such as `redis://10.0.0.1:6379`.",
      }),
    ),
    sentinel: Type.Optional(
      map(
        {
          name: Type.String({ minLength: 1, description: "Name of the group of servers." }),
          nodes: Type.Array(Type.String({ title: "an address such as 10.0.0.1:26379", pattern: "^[^\\s/@]+:[0-9]{1,5}$" }), {
            minItems: 1,
            description: "Sentinels, such as `10.0.0.1:26379`.",
          }),
        },
        "Redis found by Sentinel.",
      ),
    ),
    username: Type.Optional(Type.String({ description: "User of Redis's access lists." })),
    ...secret("password", "Password of Redis."),
    tls: Type.Optional(Type.Boolean({ description: "Speak TLS. A `rediss://` address does so by itself." })),
    prefix: Type.String({
      title: "a name of letters, digits and any of . _ - :, at most 64 of them",
      pattern: "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
      default: "weir",
      description:
        "Begins the name of every key and channel in Redis. Gateways with the same one share limits, keys and totals: give each configuration on one Redis its own.",
    }),
    on_failure: oneOf(
      ["local", "closed", "open"],
      "What happens when Redis is slow or gone: `local` counts in each process, `closed` refuses with 503, `open` lets everything through.",
      { default: "local" },
    ),
    timeout: duration("Longest wait for Redis before `on_failure` decides.", { default: "50ms" }),
  },
  "Where limits are shared between processes: one of `url`, `cluster` or `sentinel`. Left out: limits are kept in memory, for one process.",
);

function urlProperties() {
  return secret(
    "url",
    "Address of one Redis server, `redis://` or `rediss://` for TLS. `REDIS_URL` in the environment overrides it. Empty: as if `redis` were left out.",
  );
}

export const schema = map(
  {
    server: map(
      {
        host: host("0.0.0.0", "Address that the public listener binds."),
        port: port(8080, "Its port; 0 takes any free one. `PORT` in the environment overrides it."),
        max_body: Type.Union([Type.String({ pattern: SIZE }), Type.Integer({ minimum: 1 })], {
          title: "a size such as 32MiB, 10MB or a number of bytes",
          default: "32MiB",
          description: "Largest request body; larger ones are refused with 413.",
        }),
        max_buffered: Type.Union([Type.Literal("auto"), Type.String({ pattern: SIZE }), Type.Integer({ minimum: 1 })], {
          title: '"auto" or a size such as 512MiB, 1GB or a number of bytes',
          default: "auto",
          description:
            "Bytes of request bodies that a process holds at a time, each from its first byte until its answer begins, and of answers that their clients have yet to take; a workspace may take half of it. Beyond it a call is refused with 503 (529) before its body is read. `auto`: an eighth of the memory of the machine or the container, shared out among `processes`, at most 256MiB, and never less than two of the largest bodies.",
        }),
        max_calls: Type.Integer({
          minimum: 1,
          maximum: 10_000_000,
          default: 10_000,
          description: "Calls that a process has open at a time. Beyond it a call is refused with 503 (529) before its body is read.",
        }),
        max_connections: Type.Integer({
          minimum: 1,
          maximum: 1_000_000,
          default: 20_000,
          description:
            "Connections of clients that a process has open at a time, idle ones included. Beyond it a client gets 503 and is closed.",
        }),
        head_timeout: duration(
          "How long the head of a request may take, from the connection's beginning or the head's first byte; 1s to 4m. Then it is refused with 408, and a client that has sent nothing is closed.",
          { default: "10s" },
        ),
        body_timeout: duration(
          "How long a client may send nothing while its request's body comes; 1s to 4m. The whole body may take ten times as long; then, too, it is refused with 408.",
          { default: "60s" },
        ),
        reader_timeout: duration(
          "How long a client may take nothing of an answer before its connection is cut; 1s to 4m. Keep it above 15s, after which a quiet stream carries a ping.",
          {
            default: "2m",
          },
        ),
        idle_timeout: duration("How long a connection may stay open without a request; 1s to 4m.", { default: "75s" }),
        drain_timeout: duration("After SIGTERM, how long open calls may take to finish.", { default: "2m" }),
        drain_grace: duration("After SIGTERM, how long new calls are still served while load balancers turn away.", { default: "5s" }),
        tls: Type.Optional(
          map(
            {
              cert_file: Type.String({
                title: "the path of a file",
                minLength: 1,
                description: "PEM file with the certificate of this server first, then those between it and its authority.",
              }),
              key_file: Type.String({
                title: "the path of a file",
                minLength: 1,
                description: "PEM file with its private key, without a passphrase.",
              }),
            },
            "TLS for clients of the public listener, by a certificate of its own; left out, it speaks plain HTTP. New files are taken up while Weir runs. [operations.md](operations.md#tls-for-clients)",
          ),
        ),
        trusted_proxies: Type.Array(
          Type.String({ title: "an address or a network such as 10.0.0.0/8", pattern: "^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$" }),
          {
            default: [],
            description:
              "Addresses and networks of the proxies in front. What they say of a client's address in `X-Forwarded-For` or `Forwarded` is believed, from the right and only as far as these reach; it is what the log and the audit show. Left out: the connection's own address.",
          },
        ),
        server_timing: oneOf(
          ["asked", "always"],
          "Whether answers say in `Server-Timing` where their time went: `asked`, to requests that have the header `x-weir-timing: 1`, or `always`.",
          { default: "asked" },
        ),
      },
      "The public listener.",
      { default: {} },
    ),
    admin: map(
      {
        host: host("127.0.0.1", "Address that the admin listener binds: metrics, health, keys, console."),
        port: port(9090, "Its port. `ADMIN_PORT` in the environment overrides it."),
        ...secret(
          "token",
          "Token of the admin interface. Needed where `admin.host` is not loopback; without one, only metrics and health answer.",
        ),
        hosts: Type.Array(Type.String({ pattern: HOST_NAME, title: "a host name such as weir-admin.example.com, without a port" }), {
          default: [],
          description:
            "Names by which the admin listener is asked, besides addresses, names without a dot and those that end in .localhost, .local, .internal, .svc or .home.arpa. Requests with another name in their Host header are refused: a web page may have sent them.",
        }),
      },
      "The admin listener.",
      { default: {} },
    ),
    processes: Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 1, maximum: 256 })], {
      title: '"auto" or a number of processes from 1 to 256',
      default: 1,
      description:
        "Gateway processes that share the public port (Linux). `auto`: one for every two processors, or for as many as one process with its `workers` keeps busy (each of them with `workers: 0`).",
    }),
    workers: Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 0, maximum: 256 })], {
      title: '"auto" or a number of threads from 0 to 256',
      default: "auto",
      description:
        "Worker threads of a process. `auto`: one less than there are processors for each process, at least 1. `0`: none, and the thread that takes connections does their work too: answers begin sooner, but one processor does it all, and a large body holds up the other calls.",
    }),
    redis: Type.Optional(redis),
    directory: map(
      {
        file: Type.String({
          minLength: 1,
          default: "./weir-keys.json",
          description: "File of the keys made over the admin listener when there is no Redis; readable by its owner only.",
        }),
      },
      "Where keys are kept that are not in this file.",
      { default: {} },
    ),
    log: map(
      {
        sample: Type.Number({
          minimum: 0,
          maximum: 1,
          default: 1,
          description:
            "Share of the good calls that have a line in the log: 1 all, 0.01 every hundredth, 0 none. Calls that failed, were left by their client or were slow always have one. Metrics count all.",
        }),
        slow: duration("A call that lasts longer always has a line.", { default: "30s" }),
        attribution: Type.Boolean({
          default: true,
          description:
            "Whether lines of calls say what their clients told of themselves: address, user agent, user, session, tag. `false` leaves all of these out.",
        }),
      },
      "Lines of calls in the log.",
      { default: {} },
    ),
    limits: map(
      {
        rpm: Type.Integer({ ...rpm, default: 500 }),
        tpm: Type.Integer({ ...tpm, default: 60_000 }),
        count_rpm: Type.Optional(Type.Integer(countRpm)),
        cache_read_weight: Type.Number({ ...cacheReadWeight, default: 0 }),
        reserve_output: oneOf(RESERVE_OUTPUT, RESERVE_OUTPUT_TEXT, { default: "expected" }),
      },
      "Limits of each model in each workspace. The most specific place that sets one decides: model in a workspace, workspace, model, here.",
      { default: {} },
    ),
    timeouts: map(
      {
        connect: duration(CLOCKS.connect, { default: "5s" }),
        first_byte: duration(CLOCKS.first_byte, { default: "10m" }),
        silence: duration(CLOCKS.silence, { default: "5m" }),
        total: duration(CLOCKS.total, { default: "60m" }),
      },
      "Clocks of every call to an upstream; a model's go before its upstream's, and those before these.",
      { default: {} },
    ),
    strict_parameters: Type.Boolean({
      default: false,
      description: "Refuse `n`, `service_tier`, `parallel_tool_calls` and `stream_options` outright, whatever their value.",
    }),
    upstreams: { ...named(upstream, "Shared upstreams, by the names that targets, logs and metrics use."), default: {} },
    models: Type.Optional(
      named(
        model,
        "Shared models, by the names that clients use. Left out: every model of the shipped catalogue, in each region where an upstream of its provider is.",
        MODEL_NAME,
        MODEL_NAME_TITLE,
      ),
    ),
    workspaces: { ...named(workspace, "Workspaces, by name."), default: {} },
  },
  "The configuration of Weir.",
);

export type File = Static<typeof schema>;
export type ModelSettings = Static<typeof model>;
export type WorkspaceSettings = Static<typeof workspace>;
export type LimitSettings = Static<typeof workspace>["limits"];
export type TimeoutSettings = Static<typeof model>["timeouts"];
export type TargetSettings = Static<typeof target>;
