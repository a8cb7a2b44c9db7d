import { GatewayError } from "../../../src/contract/errors.ts";
import type { Takes } from "./takes.ts";

/** What Bedrock or the model cannot do and nothing may be left out of, by the name of its field. */
export function refusal(param: string, text: string): GatewayError {
  return new GatewayError("invalid_request", { message: `${param}: ${text}`, param });
}

/** A model in a message. */
export function whose({ model }: Takes): string {
  return model === "" ? "this model" : `the model ${model}`;
}
