import { GatewayError } from "../../../src/contract/errors.ts";
import type { Takes } from "./takes.ts";

/** The refusal of a field that Bedrock or the model cannot serve, and that must not be left out. `param`: the field's name. */
export function refusal(param: string, text: string): GatewayError {
  return new GatewayError("invalid_request", { message: `${param}: ${text}`, param });
}

/** A model's name in a message. */
export function whose({ model }: Takes): string {
  return model === "" ? "this model" : `the model ${model}`;
}
