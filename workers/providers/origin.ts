import type { Upstream } from "../../src/contract/config.ts";
import type { Origin } from "../wire/http.ts";

/** The address of an upstream. `base`: the beginning of every call's path ("" or without a slash at its end). `host`: the value of the header. */
export interface Address {
  origin: Origin;
  host: string;
  base: string;
}

export function upstreamAddress(upstream: Upstream, endpoint: string): Address {
  const url = new URL(endpoint);
  const tls = url.protocol === "https:";
  return {
    origin: { tls, host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port) || (tls ? 443 : 80), ca: upstream.ca },
    host: url.host,
    base: url.pathname.replace(/(?<!\/)\/+$/, ""),
  };
}
