import type { Config } from "../contract/config.ts";
import { GatewayError } from "../contract/errors.ts";
import type { HeaderReader } from "../contract/http.ts";

/** Every header that some upstream of a configuration reserves: there are a few, by provider. */
const known = new WeakMap<Config, readonly string[]>();

function namesOf(config: Config): readonly string[] {
  let names = known.get(config);
  if (names === undefined) {
    const places = [config, ...Object.values(config.workspaces)];
    names = [...new Set(places.flatMap(({ upstreams }) => Object.values(upstreams).flatMap(({ reserved }) => reserved)))];
    known.set(config, names);
  }
  return names;
}

/** The first header of a request that is not a client's to set at some upstream; "" where there is none, as nearly always. */
export function reservedIn(headers: HeaderReader, config: Config): string {
  for (const name of namesOf(config)) if (headers.has(name)) return name;
  return "";
}

/** To ignore such a header would be worse: a client that asks for a guardrail must not be answered without one. */
export function reservedRefusal(name: string): GatewayError {
  return new GatewayError("invalid_request", {
    message: `${name}: this header is not a client's to set here, and the request is refused rather than answered without what it asks for; leave it out, or ask the gateway's operator`,
    param: name,
  });
}
