/** Embeddings: a unit vector for each input; the same input always has the same vector. Source: the types of openai 7.57. */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { JsonObject } from "../json.ts";
import { tokensIn } from "../model/tokens.ts";
import { checkFields } from "./check.ts";
import { invalid } from "./errors.ts";

const FIELDS = new Set("model input encoding_format dimensions user".split(" "));
const MOST_INPUTS = 2048;
/** A pattern for the name of a deployment, the length of its vectors, and whether a request may ask for shorter ones. The first match decides. */
const DIMENSIONS: readonly [RegExp, number, boolean][] = [
  [/3-large/, 3072, true],
  [/ada/, 1536, false],
  [/./, 1536, true],
];

/** @throws Refusal 400 for a body that the service refuses */
export function checkEmbeddingsBody(body: unknown, deployment: string): asserts body is JsonObject {
  checkFields(body, FIELDS);
  const inputs = inputsOf(body);
  if (inputs.length === 0 || inputs.some((input) => input.length === 0)) throw invalid("'$.input' is invalid.", null);
  if (inputs.length > MOST_INPUTS)
    throw invalid(
      `Too many inputs. The max number of inputs is ${MOST_INPUTS}. We hope to increase the number of inputs per request soon.`,
      null,
    );
  const { length, mayShorten } = vectorOf(deployment);
  if (body.dimensions === undefined) return;
  if (!mayShorten) throw invalid("This model does not support specifying dimensions.", null);
  if (typeof body.dimensions !== "number" || body.dimensions < 1 || body.dimensions > length)
    throw invalid(`Invalid value for 'dimensions' = ${String(body.dimensions)}. Must be less than or equal to ${length}.`, null);
}

/** The texts of the input, in which directives may be. */
export function embeddedText(body: JsonObject): string {
  return inputsOf(body)
    .filter((input) => typeof input === "string")
    .join("\n");
}

/** @param body checked by `checkEmbeddingsBody` */
export function embeddings(body: JsonObject, deployment: string): JsonObject {
  const length = typeof body.dimensions === "number" ? body.dimensions : vectorOf(deployment).length;
  const inputs = inputsOf(body);
  const prompt_tokens = inputs.reduce((sum, input) => sum + (typeof input === "string" ? tokensIn(input.length) : input.length), 0);
  return {
    object: "list",
    data: inputs.map((input, index) => {
      const vector = unitVector(JSON.stringify(input), length);
      const embedding = body.encoding_format === "base64" ? Buffer.from(vector.buffer).toString("base64") : [...vector];
      return { object: "embedding", index, embedding };
    }),
    model: deployment,
    usage: { prompt_tokens, total_tokens: prompt_tokens },
  };
}

function vectorOf(deployment: string): { length: number; mayShorten: boolean } {
  const [, length, mayShorten] = DIMENSIONS.find(([name]) => name.test(deployment)) ?? [/./, 1536, true];
  return { length, mayShorten };
}

/** The inputs as a list. A text is one input; a list of numbers (tokens) is one input too. */
function inputsOf({ input }: JsonObject): (string | number[])[] {
  if (typeof input === "string") return [input];
  if (!Array.isArray(input)) return [];
  if (input.every((item) => typeof item === "number")) return [input as number[]];
  return input.filter((item): item is string | number[] => typeof item === "string" || Array.isArray(item));
}

function unitVector(seed: string, length: number): Float32Array {
  const vector = new Float32Array(length);
  let squares = 0;
  for (let block = 0; block * 8 < length; block++) {
    const digest = createHash("sha256").update(`${block} ${seed}`).digest();
    for (let index = 0; index < 8 && block * 8 + index < length; index++) {
      const value = digest.readInt32LE(index * 4) / 2 ** 31;
      vector[block * 8 + index] = value;
      squares += value * value;
    }
  }
  const norm = Math.sqrt(squares) || 1;
  return vector.map((value) => value / norm);
}
