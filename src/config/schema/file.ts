/**
 * The whole of `weir.yaml`: every setting once, with its type, its default and its sentence. From it come the check, the published JSON Schema
 * and `docs/configuration.md`. `title` says in a message what was expected; `writeOnly` marks a secret.
 */
import { type Static, Type } from "@sinclair/typebox";
import { duration, MODEL_NAME, MODEL_NAME_TITLE, map, named } from "./kinds.ts";
import { commonLimits, commonTimeouts } from "./limits.ts";
import { admin, server } from "./listeners.ts";
import { model } from "./models.ts";
import { redis } from "./redis.ts";
import { upstream } from "./upstreams.ts";
import { workspace } from "./workspaces.ts";

export const schema = map(
  {
    server,
    admin,
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
    limits: commonLimits,
    timeouts: commonTimeouts,
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
