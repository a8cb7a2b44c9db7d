/** The address of a client behind trusted proxies. */
import { isIP } from "node:net";
import type { HeaderReader } from "../../contract/http.ts";
import { Networks, plainAddress } from "../../contract/networks.ts";

/** The most addresses that are read, from the right: no chain of trusted proxies is longer. */
const MOST_HOPS = 32;

/**
 * Finds the address of a client. Each proxy appends the address that it was asked from, on the right of the list. So a list is read from the right, and its first
 * address that is no trusted proxy is the client's. The client may have invented everything to the left of that.
 */
export class TrustedProxies {
  readonly #networks: Networks;

  /** @param networks - The value of `server.trusted_proxies`. */
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
    // The client may have sent one of the two headers, and a proxy that writes only the other one has passed it on.
    if (byOld !== undefined && byStandard !== undefined && byOld !== byStandard) return own;
    return byOld ?? byStandard ?? own;
  }

  /** The first address from the right that is no trusted proxy; the leftmost one that was read, where all are. */
  #lastStranger(peer: string, hops: readonly string[], read: (hop: string) => string | undefined): string {
    let client = peer;
    for (let at = hops.length - 1; at >= Math.max(0, hops.length - MOST_HOPS); at--) {
      const address = read((hops[at] ?? "").trim());
      // It is a name that hides an address, or no address at all: so the address to the right of it is the best that is known.
      if (address === undefined) return client;
      client = address;
      if (!this.#networks.has(address)) return client;
    }
    return client;
  }
}

/** The address in `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1` or `[2001:db8::1]:4711`; undefined for another text. */
function addressIn(text: string): string | undefined {
  const bracketed = /^\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?$/.exec(text)?.[1];
  const withPort = /^([0-9.]{7,15}):[0-9]{1,5}$/.exec(text)?.[1];
  const address = bracketed ?? withPort ?? text;
  return address.length <= 45 && isIP(address) !== 0 ? plainAddress(address.toLowerCase()) : undefined;
}

/** The address in an element of `Forwarded` (RFC 7239): `for=192.0.2.1;proto=https`, `For="[2001:db8::1]:4711"`. */
function addressOfElement(element: string): string | undefined {
  for (const pair of element.split(";")) {
    const value = /^\s*for\s*=\s*(?:"([^"\\]*)"|([^"\s]*))\s*$/i.exec(pair);
    if (value !== null) return addressIn(value[1] ?? value[2] ?? "");
  }
  return undefined;
}
