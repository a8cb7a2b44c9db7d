import { type ByteText, encodeUtf8 } from "../contract/bytes.ts";
import type { HeaderReader } from "../contract/http.ts";
import { escaped } from "./html.ts";

/** The address in pages where the request does not say which address was asked. */
const UNKNOWN_ADDRESS = "https://weir.example.com";

/** A name or an IPv4 or bracketed IPv6 address, with or without a port: nothing that means anything to HTML, a shell or a string of code. */
const HOST = /^(?:[a-z0-9_](?:[a-z0-9_.-]{0,252}[a-z0-9_])?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?$/i;

/**
 * Where the asker has found this gateway: `https://weir.example.com`, no slash at the end. From the request's `host`, or from what a proxy in front
 * says that it was (`x-forwarded-host`, `x-forwarded-proto`). All of it is text from outside: what is not the form of a host is not repeated.
 * @param tls - The listener that was asked speaks TLS.
 */
export function publicAddress(headers: HeaderReader, tls = false): string {
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

/** Stands in a rendered text for the address. */
export const ADDRESS = "\ue000";

/** A text that has been rendered and encoded but for the address, which is ASCII. */
export class Addressed {
  readonly #parts: readonly ByteText[];

  constructor(html: string) {
    this.#parts = html.split(ADDRESS).map(encodeUtf8);
  }

  at(address: string): ByteText {
    return this.#parts.join(escaped(address));
  }
}
