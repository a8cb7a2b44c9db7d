import type { Upstream } from "../../src/contract/config.ts";
import type { Origin } from "../wire/http.ts";

/** Where an upstream is: `base` is the path in front of every call's (empty, or without a slash at its end), `host` what the header says. */
export interface Address {
  origin: Origin;
  host: string;
  base: string;
}

export function addressOf(upstream: Upstream, endpoint: string): Address {
  const url = new URL(endpoint);
  const tls = url.protocol === "https:";
  return {
    origin: { tls, host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) || (tls ? 443 : 80), ca: upstream.ca },
    host: url.host,
    base: url.pathname.replace(/(?<!\/)\/+$/, ""),
  };
}
