import { type Static, type TObject, type TOptional, type TUnsafe, Type } from "@sinclair/typebox";
import { providers } from "../../providers/index.ts";
import { type AcceptsSettings, acceptsOf } from "./accepts.ts";
import { timeouts } from "./limits.ts";

const MORE_SPECIFIC =
  "The most specific place that sets a control decides: a workspace's own target or model, the workspace, a target, its model, the upstream.";

const upstreamFields = {
  region: Type.String({
    title: "a region's name in lower case, such as eu or us",
    pattern: "^[a-z][a-z0-9-]{0,31}$",
    description: "Region in Weir's routes that this upstream serves. A call for a region never leaves it.",
  }),
  timeouts: timeouts("Time-outs of this upstream, where they differ from `timeouts`."),
  max_calls: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000_000,
      description:
        "Most calls that a process may have open at this upstream at the same time. A call beyond that goes to the model's next target; where there is none, it is refused with 503 (529). Left out: as many as `server.max_calls` allows.",
    }),
  ),
  accepts: acceptsOf("What models take at this upstream, where that is more or less than at other upstreams.") as TOptional<
    TUnsafe<AcceptsSettings>
  >,
  ca_file: Type.Optional(
    Type.String({
      title: "the path of a file",
      minLength: 1,
      description: "PEM file with certificate authorities to trust, in addition to the system's.",
    }),
  ),
};

/** The fields of every upstream, with those of its provider, which only the provider knows. */
export type UpstreamSettings = Static<TObject<typeof upstreamFields>> & { provider: string } & Record<string, unknown>;

/** One schema for each provider; they differ by `provider`. */
export const upstream = Type.Unsafe<UpstreamSettings>(
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
