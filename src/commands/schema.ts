import { publishedSchema } from "../config/published.ts";
import type { Outcome } from "./outcome.ts";

/** `schema`: the JSON Schema of `weir.yaml`. */
export function runSchema(): Outcome {
  return { text: `${JSON.stringify(publishedSchema(), null, 2)}\n`, exitCode: 0 };
}
