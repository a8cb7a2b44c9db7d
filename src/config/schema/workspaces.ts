import { type Static, Type } from "@sinclair/typebox";
import { MOMENT_PATTERN } from "../../contract/moment.ts";
import { controls } from "./accepts.ts";
import { MODEL_NAME, MODEL_NAME_TITLE, map, NAME, NAME_TITLE, named } from "./kinds.ts";
import { limits } from "./limits.ts";
import { workspaceModel } from "./models.ts";
import { upstream } from "./upstreams.ts";

/** Fields of a key, in the configuration and in the directory. */
export const keyConcurrency = {
  minimum: 1,
  maximum: 10_000_000,
  description:
    "Most calls that this key may have open at the same time in one process. A call beyond that is refused with 503 (529) before its body is read. Left out: as many as its workspace may have.",
};
/** Fields of a workspace, in the configuration and in the directory. */
export const workspaceConcurrency = {
  minimum: 1,
  maximum: 10_000_000,
  description:
    "Most calls that this workspace may have open at the same time in one process. A call beyond that is refused with 503 (529) before its body is read. Left out: half of `server.max_calls`.",
};

const key = map(
  {
    name: Type.String({ title: NAME_TITLE, pattern: NAME, description: "What the key is called in logs and lists." }),
    sha256: Type.String({
      title: "64 hexadecimal digits, the SHA-256 of the whole key (printf %s KEY | sha256sum)",
      pattern: "^[0-9A-Fa-f]{64}$",
      description:
        'SHA-256 of the whole key (`printf %s "$KEY" | sha256sum`). The key itself, which begins with `weir_`, is not in the file.',
    }),
    expires_at: Type.Optional(
      Type.String({
        title: "a time such as 2027-01-01T00:00:00Z",
        pattern: MOMENT_PATTERN,
        description: "When the key ends; a date alone means midnight UTC. Left out: never.",
      }),
    ),
    max_concurrent: Type.Optional(Type.Integer(keyConcurrency)),
  },
  "An API key.",
);

export const workspace = map(
  {
    default_region: Type.Optional(Type.String({ description: "Region for routes that have no region in their path." })),
    max_concurrent: Type.Optional(Type.Integer(workspaceConcurrency)),
    controls: controls("The cloud's own controls of all calls of this workspace, where the call's cloud has them."),
    client_controls: Type.Optional(
      Type.Boolean({
        description:
          "Whether clients of this workspace may set controls by the cloud's own headers (`x-amzn-bedrock-…`). Such a header goes before a configured control, but never replaces a configured guardrail. Left out: they may not, and a request with such a header is refused with 400.",
      }),
    ),
    limits: limits("Limits of each model in this workspace, where they differ from `limits`. They are per model, not a total."),
    upstreams: Type.Optional(named(upstream, "Upstreams of this workspace only, with its own credentials and its own bill.")),
    models: Type.Optional(
      named(
        workspaceModel,
        "Models with other settings in this workspace. If one of them has `targets`, the workspace has only the models of this list.",
        MODEL_NAME,
        MODEL_NAME_TITLE,
      ),
    ),
    keys: Type.Array(key, { default: [], description: "Keys of this workspace. More can be made over the admin listener." }),
  },
  "A team, which has keys and limits.",
);

export type WorkspaceSettings = Static<typeof workspace>;
export type LimitSettings = Static<typeof workspace>["limits"];
