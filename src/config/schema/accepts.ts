/** What models take, and the clouds' own controls: at the places that may set them. */
import { type TOptional, type TProperties, type TSchema, type TUnsafe, Type } from "@sinclair/typebox";
import { providers } from "../../providers/index.ts";
import { map } from "./kinds.ts";

const nameList = (description: string) =>
  Type.Optional(
    Type.Array(Type.String({ pattern: "^[A-Za-z0-9_.-]{1,64}$", title: "a name of letters, digits, _, - and ." }), { description }),
  );

/** Changes to the tables of what models take. */
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

export const acceptsOf = (description: string, more: TProperties = {}) => Type.Optional(map({ ...more, ...acceptsFields }, description));

export const modelAccepts = acceptsOf(
  "What the model takes, where Weir's tables are wrong about the model or do not have it. What it does not take is left out of requests, and answers name it in `x-weir-dropped`.",
  {
    as: Type.Optional(
      Type.String({
        title: "the name of a model of the catalogue",
        minLength: 1,
        description:
          "The model's name in the catalogue, where neither its name here nor the target's name shows which model it is: for an application inference profile or a deployment.",
      }),
    ),
  },
) as unknown as TOptional<TUnsafe<{ as?: string } & AcceptsSettings>>;

export interface AcceptsSettings {
  betas?: { add?: string[]; remove?: string[] };
  fields?: { add?: string[]; remove?: string[] };
}

/** The controls of all providers; an upstream has those of its provider only. */
const allControls = Object.assign({}, ...[...providers.values()].map((provider) => provider.controls.properties)) as Record<
  string,
  TSchema
>;

export type ControlSettings = Record<string, unknown>;

export const controls = (description: string) =>
  Type.Optional(Type.Unsafe<ControlSettings>(Type.Object(allControls, { additionalProperties: false, description })));
