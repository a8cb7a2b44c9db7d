/** The two routes (chat completions, responses), of which a model may have only one. */
import { GatewayError } from "../../../src/contract/errors.ts";
import type { Job } from "../provider.ts";
import type { Takes } from "./takes.ts";

const ROUTES = {
  "routes.chat": { name: "chat completions", instead: "the Responses API: send it to …/v1/responses" },
  "routes.responses": { name: "the Responses API", instead: "chat completions: send it to …/v1/chat/completions" },
} as const;

/** @throws GatewayError `invalid_request` that names the other route, where the model does not have this one */
export function requireRoute(job: Job, { fields, isKnown }: Takes, route: keyof typeof ROUTES): void {
  if (isKnown && !fields.has(route)) throw wrongRoute(job.model, route);
}

export function wrongRoute(model: string, route: keyof typeof ROUTES, said = ""): GatewayError {
  const { name, instead } = ROUTES[route];
  return new GatewayError("invalid_request", {
    message: `model: ${model} is not served by ${name}, but by ${instead}${said && ` (${said})`}`,
    param: "model",
  });
}
