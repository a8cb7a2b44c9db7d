/** The host names of the admin listener. The check of them keeps web pages away from it. */
import { isIP } from "node:net";
import { AdminRefusal, refusalResponse } from "./refusal.ts";

/** Names that cannot be registered, and names that only the own network knows: `localhost`, Compose, Kubernetes. */
const OF_THE_NETWORK = /^[^.]+$|\.(localhost|local|internal|svc|home\.arpa)$/;
const HOST = /^(?:\[([^\]]*)\]|([^:]*))(?::\d+)?$/;

/** Answers with nothing but that it lives; load balancers and pods ask by whatever name they have. */
const FOR_EVERYBODY = "/healthz";

/**
 * A page that a browser of this network has open can have its own name mean our address ("DNS rebinding"), and then read what the listener answers.
 * The Host header gives it away: it is the page's name. A page cannot do that with an address, nor with a name that it cannot own.
 */
export class KnownHosts {
  readonly #names: ReadonlySet<string>;

  /** @param names - Those that are known besides addresses and names of the network. */
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
