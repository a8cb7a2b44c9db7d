/** Bodies and answers of the admin API, each with an example that fits it. Times are RFC 3339; null means never, none or not known. */
import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { MODEL_NAME, MODEL_NAME_TITLE, NAME, NAME_TITLE } from "../config/schema/kinds.ts";
import { limitFields } from "../config/schema/limits.ts";
import { keyConcurrency, workspaceConcurrency } from "../config/schema/workspaces.ts";
import { SPAN } from "../config/units.ts";
import { MOMENT_PATTERN } from "../contract/moment.ts";
import { checked } from "./checked.ts";

const CLOSED = { additionalProperties: false };

const name = (description: string) => Type.String({ pattern: NAME, title: NAME_TITLE, description });
const orNull = <Schema extends TSchema>(schema: Schema, description: string) => Type.Union([schema, Type.Null()], { description });
const moment = (description: string) => orNull(Type.String({ format: "date-time" }), description);
const count = (description: string) => Type.Integer({ minimum: 0, description });

const limits = Type.Object(limitFields, {
  ...CLOSED,
  title: "a map of limits",
  description: "What is left out is decided by the next less specific place: model in a workspace, workspace, model, the configuration.",
});
const models = Type.Record(Type.String({ pattern: MODEL_NAME }), Type.Object({ limits: Type.Optional(limits) }, CLOSED), {
  ...CLOSED,
  title: MODEL_NAME_TITLE,
  description: "Shared models that have limits of their own in this workspace.",
});
const region = Type.String({ minLength: 1, maxLength: 32, description: "Region of the routes that have none in their path." });

const settings = {
  default_region: Type.Optional(region),
  max_concurrent: Type.Optional(Type.Integer(workspaceConcurrency)),
  limits: Type.Optional(limits),
  models: Type.Optional(models),
};

export const workspaceSettings = checked("WorkspaceSettings", Type.Object(settings, CLOSED), { limits: { rpm: 500 } });
export const newWorkspace = checked("NewWorkspace", Type.Object({ name: name("Its name."), ...settings }, CLOSED), {
  name: "research",
  default_region: "eu",
  limits: { rpm: 1000, tpm: 250_000 },
});
export type WorkspaceSettings = Static<typeof workspaceSettings.schema>;

const source = Type.Unsafe<"config" | "file" | "redis">(
  Type.Union([Type.Literal("config"), Type.Literal("file"), Type.Literal("redis")], {
    description: "Where it is kept. What the configuration file has (`config`) is read-only here.",
  }),
);

export const workspace = checked(
  "Workspace",
  Type.Object({
    name: Type.String(),
    source,
    default_region: orNull(Type.String(), "Region of the routes that have none in their path."),
    max_concurrent: Type.Optional(
      orNull(Type.Integer(), "Calls that it may have open at a time in one process. Null: half of `server.max_calls`."),
    ),
    limits,
    models: Type.Record(Type.String(), Type.Object({ limits })),
    upstreams: Type.Array(Type.String(), { description: "Its own upstreams, by name." }),
    keys: count("How many keys it has."),
  }),
  {
    name: "research",
    source: "redis",
    default_region: "eu",
    max_concurrent: 200,
    limits: { rpm: 1000, tpm: 250_000 },
    models: {},
    upstreams: [],
    keys: 1,
  },
);
export type Workspace = Static<typeof workspace.schema>;

const expiry = (description: string) =>
  Type.Optional(
    Type.Union(
      [
        Type.String({
          pattern: MOMENT_PATTERN,
        }),
        Type.Null(),
      ],
      { title: "a time such as 2027-01-01T00:00:00Z", description },
    ),
  );
export const newKey = checked(
  "NewKey",
  Type.Object(
    {
      name: name("What the key is called in logs and lists."),
      expires_at: expiry("When it ends; a date alone means midnight UTC. Left out or null: never."),
      max_concurrent: Type.Optional(Type.Integer(keyConcurrency)),
    },
    CLOSED,
  ),
  { name: "ci", expires_at: "2030-01-01T00:00:00Z" },
);
export const rotation = checked(
  "Rotation",
  Type.Object(
    {
      grace: Type.Optional(
        Type.String({
          title: "a duration such as 30m, 1h or 7d",
          pattern: SPAN,
          maxLength: 32,
          default: "0s",
          description: "How long the old key goes on working.",
        }),
      ),
      expires_at: expiry("When the new key ends; null: never. Left out: when the old one would have ended."),
    },
    CLOSED,
  ),
  { grace: "1h" },
);

const keyFields = {
  id: Type.String({ description: "Safe to show: the key cannot be derived from it." }),
  name: Type.String(),
  workspace: Type.String(),
  source,
  created_at: moment("Null for a key of the configuration file."),
  last_used_at: moment("To the hour; null where it has not been used."),
  expires_at: moment("Null: never."),
  max_concurrent: Type.Optional(
    orNull(Type.Integer(), "Calls that it may have open at a time in one process. Null: as many as its workspace may have."),
  ),
  replaced_by: Type.Optional(orNull(Type.String(), "Id of the key that has replaced it in a rotation; null where there is none.")),
};
const anyKey = {
  id: "key_9f86d081884c7d65",
  name: "ci",
  workspace: "research",
  source: "redis" as const,
  created_at: "2026-11-24T09:30:00.000Z",
  last_used_at: null,
  expires_at: "2030-01-01T00:00:00.000Z",
  max_concurrent: 20,
  replaced_by: null,
};
const key = checked("Key", Type.Object(keyFields), anyKey);
export type Key = Static<typeof key.schema>;
export const createdKey = checked(
  "CreatedKey",
  Type.Object({ ...keyFields, key: Type.String({ description: "The key itself. Shown only now, kept nowhere." }) }),
  { ...anyKey, key: "weir_…" },
);
export type CreatedKey = Static<typeof createdKey.schema>;

const windowOf = (what: string) =>
  Type.Object(
    {
      limit: count("The most for any 60 seconds."),
      used: count("What all gateways have used and reserved in the last 60 seconds."),
      reserved: count("The part of it that open calls of the answering process have reserved."),
    },
    { description: `${what} of the last 60 seconds.` },
  );
const dayFields = {
  day: Type.String({ description: "UTC." }),
  requests: count("Calls that were admitted, also those that failed later."),
  input_tokens: count("Input without what was read from or written to a prompt cache."),
  output_tokens: count("Tokens of the answers."),
  cache_read_tokens: count("Read from a prompt cache."),
  cache_write_tokens: count("Written to a prompt cache."),
  cache_write_5m_tokens: count("The part of the written tokens that is kept for five minutes."),
  cache_write_1h_tokens: count("The part of the written tokens that is kept for an hour."),
  reasoning_tokens: count("The part of the output that models have used for thinking, where their upstream reports it."),
};
const modelUsage = Type.Object({
  model: Type.String(),
  requests: orNull(
    windowOf("Requests"),
    "Null where calls are not counted: the model is gone, or Redis is away and the policy lets calls pass.",
  ),
  tokens: orNull(windowOf("Tokens"), "Null where `requests` is null."),
  days: Type.Array(Type.Object(dayFields), { description: "Newest first; days without a call are left out. Kept for 35 days." }),
});
export type ModelUsage = Static<typeof modelUsage>;
const anyUsage = {
  model: "gpt-5.5",
  requests: { limit: 500, used: 3, reserved: 1 },
  tokens: { limit: 60_000, used: 4210, reserved: 900 },
  days: [
    {
      day: "2026-11-24",
      requests: 812,
      input_tokens: 90_310,
      output_tokens: 30_221,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
      cache_write_5m_tokens: 0,
      cache_write_1h_tokens: 0,
      reasoning_tokens: 12_050,
    },
  ],
};

const pageOf = <Entry extends TSchema>(entry: Entry) => ({
  data: Type.Array(entry),
  has_more: Type.Boolean({ description: "Another page follows: ask with `after_id` = `last_id`." }),
  last_id: orNull(Type.String(), "The id of the last entry; null on an empty page."),
});
export const workspaces = checked("Workspaces", Type.Object(pageOf(workspace.schema)), {
  data: [workspace.example],
  has_more: false,
  last_id: "research",
});
export const keys = checked("Keys", Type.Object(pageOf(key.schema)), { data: [anyKey], has_more: false, last_id: anyKey.id });
export const usage = checked(
  "Usage",
  Type.Object({
    ...pageOf(modelUsage),
    since: moment("Days before this moment are not known: without Redis a process counts for itself, from its start. Null with Redis."),
  }),
  { data: [anyUsage], has_more: false, last_id: "gpt-5.5", since: null },
);
export type UsagePage = Static<typeof usage.schema>;

export const refusalBody = checked("Refusal", Type.Object({ error: Type.Object({ message: Type.String(), kind: Type.String() }) }), {
  error: { message: "There is no such workspace.", kind: "unknown" },
});
export const crashed = checked("CrashedWorker", Type.Object({ worker: Type.Integer() }), { worker: 0 });
