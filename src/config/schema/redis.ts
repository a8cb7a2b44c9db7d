import { Type } from "@sinclair/typebox";
import { secret } from "../../providers/fields.ts";
import { duration, map, oneOf } from "./kinds.ts";

export const redis = map(
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
        "Beginning of the name of every key and channel in Redis. Gateways with the same prefix share limits, keys and totals, so each configuration on one Redis needs a different prefix.",
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
    "Address of one Redis server, `redis://` or `rediss://` for TLS. `REDIS_URL` in the environment overrides it. An empty text means that there is no Redis.",
  );
}
