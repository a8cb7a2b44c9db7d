/** The host names of the admin listener. The check of them keeps web pages away from it. */
import { isIP } from "node:net";
import { AdminRefusal, refusalResponse } from "./refusal.ts";

/** Names that cannot be registered, and names that are known only in the own network: `localhost`, Compose, Kubernetes. */
const OF_THE_NETWORK = /^[^.]+$|\.(localhost|local|internal|svc|home\.arpa)$/;
const HOST = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/;

/** This path shows only that the process is alive; load balancers and pods may ask for it by any name. */
const FOR_EVERYBODY = "/healthz";

/**
 * A web page in a browser of this network can make its own host name point to our address ("DNS rebinding"), and then read what the listener answers. The Host
 * header shows that: it holds the page's name. A page cannot do so with an IP address, nor with a name that it cannot own.
 */
export class KnownHosts {
  readonly #names: ReadonlySet<string>;

  /** @param names - further names, in addition to addresses and names of the network */
  constructor(names: readonly string[]) {
    this.#names = new Set(names.map(plain));
  }

  /** Undefined for a request that may be answered. A client that sends no Host header is not a browser. */
  refusal(request: Request): Response | undefined {
    const header = request.headers.get("host");
    if (header === null || this.#knows(header) || new URL(request.url).pathname === FOR_EVERYBODY) return undefined;
    return refusalResponse(
      new AdminRefusal(
        "misdirected",
        "The admin listener is not known by the name in the Host header: add it to admin.hosts, or ask by address.",
      ),
    );
  }

  #knows(header: string): boolean {
    const [, bracketed, bare = ""] = HOST.exec(header) ?? [];
    if (bracketed !== undefined) return isIP(bracketed) === 6;
    const name = plain(bare);
    return isIP(name) === 4 || OF_THE_NETWORK.test(name) || this.#names.has(name);
  }
}

/** Small letters, without the dot that a name may end with. */
function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
