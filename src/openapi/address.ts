import { type ByteText, encodeUtf8 } from "../contract/bytes.ts";
import type { HeaderReader } from "../contract/http.ts";
import { escaped } from "./html.ts";

/** Shown where a request has no usable `host`. */
const UNKNOWN_ADDRESS = "https://weir.example.com";

/** A name, an IPv4 or a bracketed IPv6 address, with or without a port: no character with a meaning in HTML, a shell or a string of code. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;

/**
 * The address at which the client has reached this gateway, without a slash at the end: `https://weir.example.com`. It comes from the request's `host`, or from
 * the headers of a proxy in front (`x-forwarded-host`, `x-forwarded-proto`). These are texts from outside: one without the form of a host is not repeated.
 * @param tls - whether the listener speaks TLS
 */
export function addressOf(headers: HeaderReader, tls = false): string {
  const host = first(headers.get("x-forwarded-host")) ?? headers.get("host");
  if (host === null || !HOST.test(host)) return UNKNOWN_ADDRESS;
  const forwarded = first(headers.get("x-forwarded-proto"))?.toLowerCase();
  const scheme = forwarded === "https" || (forwarded !== "http" && tls) ? "https" : "http";
  return `${scheme}://${host}`;
}

/** Proxies behind each other write a list, the outermost first. */
function first(list: string | null): string | undefined {
  const value = list?.split(",", 1)[0]?.trim();
  return value === "" ? undefined : value;
}

/** The place of the address in a rendered text. */
export const ADDRESS = "\ue000";

/** A text that is rendered and encoded except for its address, which is ASCII. */
export class Addressed {
  readonly #parts: readonly ByteText[];

  constructor(html: string) {
    this.#parts = html.split(ADDRESS).map(encodeUtf8);
  }

  at(address: string): ByteText {
    return this.#parts.join(escaped(address));
  }
}
