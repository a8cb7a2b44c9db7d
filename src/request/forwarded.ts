/** Who asks, where proxies that are trusted stand in between. */
import { isIP } from "node:net";
import type { HeaderReader } from "../contract/http.ts";
import { Networks, plainAddress } from "../contract/networks.ts";

/** Nobody has so many proxies in a row; what is further to the left was not written by one that is trusted. */
const MOST_HOPS = 32;

/**
 * A client's address behind trusted proxies. Each proxy writes down whom it was asked by, to the right of what it found; so a list is read from the
 * right, and what stands left of the first address that is no trusted proxy was written by nobody who is to be believed.
 */
export class TrustedProxies {
  readonly #networks: Networks;

  /** @param networks - As `server.trusted_proxies` has them. */
  constructor(networks: readonly string[]) {
    this.#networks = new Networks(networks);
  }

  /** @param peer - The address at the other end of the connection. */
  clientOf(peer: string, headers: Pick<HeaderReader, "get">): string {
    const own = plainAddress(peer);
    if (this.#networks.isEmpty || !this.#networks.has(own)) return own;
    const old = headers.get("x-forwarded-for");
    const standard = headers.get("forwarded");
    if (old === null && standard === null) return own;
    const byOld = old === null ? undefined : this.#lastStranger(own, old.split(","), addressIn);
    const byStandard = standard === null ? undefined : this.#lastStranger(own, standard.split(","), addressOfElement);
    // One of the two may be the client's own, passed on by a proxy that writes the other one.
    if (byOld !== undefined && byStandard !== undefined && byOld !== byStandard) return own;
    return byOld ?? byStandard ?? own;
  }

  #lastStranger(peer: string, hops: readonly string[], read: (hop: string) => string | undefined): string {
    let client = peer;
    for (let at = hops.length - 1; at >= Math.max(0, hops.length - MOST_HOPS); at--) {
      const address = read((hops[at] ?? "").trim());
      // A name that hides an address, or nonsense: who stands before it is the last that is known.
      if (address === undefined) return client;
      client = address;
      if (!this.#networks.has(address)) return client;
    }
    return client;
  }
}

/** `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`. */
function addressIn(text: string): string | undefined {
  const bracketed = /^\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?$/.exec(text)?.[1];
  const withPort = /^([0-9.]{7,15}):[0-9]{1,5}$/.exec(text)?.[1];
  const address = bracketed ?? withPort ?? text;
  return address.length <= 45 && isIP(address) !== 0 ? plainAddress(address.toLowerCase()) : undefined;
}

/** Of an element of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https`, `For="[2001:db8::1]:4711"`. */
function addressOfElement(element: string): string | undefined {
  for (const pair of element.split(";")) {
    const value = /^\s*for\s*=\s*(?:"([^"\\]*)"|([^"\s]*))\s*$/i.exec(pair);
    if (value !== null) return addressIn(value[1] ?? value[2] ?? "");
  }
  return undefined;
}
