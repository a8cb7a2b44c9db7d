/** The body of `POST /v1/embeddings`. Source: the types of openai 7.57. */
import { type TSchema, Type } from "@sinclair/typebox";
import type { ByteText } from "../../contract/bytes.ts";
import { Checker } from "../../contract/checker.ts";
import type { Checked } from "../../contract/dialect.ts";
import { readName } from "../body.ts";
import { bracketed, readRequest } from "../problem.ts";
import { EXPECTED, modelName, optional, text, words } from "../schema.ts";

const SINGLE = new Set("model input encoding_format dimensions".split(" "));

const tokens = Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1, [EXPECTED]: "an array of tokens" });

export const embeddingsSchema: TSchema = Type.Object({
  model: modelName,
  input: Type.Union([
    Type.String({ minLength: 1 }),
    Type.Array(Type.Union([Type.String({ minLength: 1 }), Type.Integer({ minimum: 0 }), tokens]), {
      minItems: 1,
      [EXPECTED]: "a non-empty array of texts, of tokens or of arrays of tokens",
    }),
  ]),
  encoding_format: optional(words("float", "base64")),
  dimensions: optional(Type.Integer({ minimum: 1 })),
  user: optional(text),
});

const checker = new Checker(embeddingsSchema);

export function checkEmbeddings(body: ByteText): Checked {
  const request = readRequest<{ model: string }>(body, checker, SINGLE, bracketed);
  return { model: readName(body, "model", request.model), stream: false, maxTokens: 0, request };
}
