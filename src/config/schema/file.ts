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
        "Gateway processes that share the public port (Linux). `auto`: one for every two processors; where `workers` is a number, one for every `workers` + 1 processors.",
    }),
    workers: Type.Union([Type.Literal("auto"), Type.Integer({ minimum: 0, maximum: 256 })], {
      title: '"auto" or a number of threads from 0 to 256',
      default: "auto",
      description:
        "Worker threads of a process. `auto`: one less than each process has processors, and at least 1. `0`: none; the thread that takes connections does the work of workers too. Answers then begin sooner, but one processor does all the work, and a large body delays the other calls.",
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
      "Where keys that are not in this file are kept.",
      { default: {} },
    ),
    log: map(
      {
        sample: Type.Number({
          minimum: 0,
          maximum: 1,
          default: 1,
          description:
            "Share of the good calls that have a line in the log: 1 all, 0.01 every hundredth, 0 none. A call that failed, that its client left or that was slow always has a line. Metrics count all calls.",
        }),
        slow: duration("A call that lasts longer always has a line.", { default: "30s" }),
        attribution: Type.Boolean({
          default: true,
          description:
            "Whether lines of calls have what clients send about themselves: address, user agent, user, session, tag. `false` leaves all of these out.",
        }),
      },
      "Lines of calls in the log.",
      { default: {} },
    ),
    limits: commonLimits,
    timeouts: commonTimeouts,
    strict_parameters: Type.Boolean({
      default: false,
      description: "Refuse `n`, `service_tier`, `parallel_tool_calls` and `stream_options`, whatever their value.",
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
