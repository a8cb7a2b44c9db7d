/** What web pages of other origins need before their browser lets them call: `server.cors`. Source: fetch.spec.whatwg.org, "CORS protocol". */
import type { Config, Cors } from "../contract/config.ts";
import type { HeaderReader } from "../contract/http.ts";
import { Reply, ReplyHeaders } from "../contract/http.ts";
import { isPreflight, routes } from "./routes.ts";

const METHODS = [...new Set(routes.map(({ route }) => route.method))].join(", ");

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A page with an SDK asks for some twenty names. */
const MOST_NAMES = 100;

/**
 * Every header of an answer may be read. The star covers them all where no cookie is sent, and no page may send one here: an answer never has
 * `access-control-allow-credentials`. A key is a header that the page sets itself.
 */
const EXPOSED = { "access-control-expose-headers": "*" };

/** All there is for a program, or for a page that may not call: a cache must not keep that answer for a page that may. */
const VARYING = { vary: "Origin" };

type Fixed = Readonly<Record<string, string>>;

/** The headers that answers and preflights have for the pages of some origins. They are made once for each configuration. */
export class CorsHeaders {
  readonly #maxAge: string;
  /** Headers of every answer where every origin may call. */
  readonly #toAll: Fixed | undefined;
  readonly #byOrigin = new Map<string, Fixed>();

  constructor({ origins, maxAgeMs }: Cors) {
    this.#maxAge = String(Math.floor(maxAgeMs / 1000));
    if (origins === "*") this.#toAll = { "access-control-allow-origin": "*", ...EXPOSED };
    else for (const origin of origins) this.#byOrigin.set(origin, { ...VARYING, "access-control-allow-origin": origin, ...EXPOSED });
  }

  /** Headers for the answer to a request with these headers, whatever the answer is. */
  of(headers: HeaderReader): Fixed {
    return this.#toAll ?? this.#byOrigin.get(headers.get("origin") ?? "") ?? VARYING;
  }

  /**
   * The answer to an OPTIONS; undefined where that is no preflight, or its origin may not call. It is the same for every path: else a page with a wrong
   * one could not read the answer that says so.
   */
  preflight(headers: HeaderReader): Reply | undefined {
    if (!isPreflight(headers)) return undefined;
    const origin = this.#toAll === undefined ? (headers.get("origin") ?? "") : "*";
    if (origin !== "*" && !this.#byOrigin.has(origin)) return undefined;
    const answer = new ReplyHeaders({ "access-control-allow-origin": origin, "access-control-allow-methods": METHODS });
    const names = askedNames(headers);
    // A star would not cover `authorization`.
    if (names !== "") answer.set("access-control-allow-headers", names);
    answer.set("access-control-max-age", this.#maxAge);
    answer.set("vary", "Origin, Access-Control-Request-Headers");
    return new Reply(204, answer, "");
  }
}

/** Undefined where pages of other origins may not call. (The sandbox has no configuration, and so none of these.) */
export function corsOf({ server }: Pick<Config, "server">): CorsHeaders | undefined {
  return server.cors === undefined ? undefined : new CorsHeaders(server.cors);
}

/** The names of the headers that the page wants to send. Those that are no names are left out. */
function askedNames(headers: HeaderReader): string {
  const names = (headers.get("access-control-request-headers") ?? "").split(",", MOST_NAMES).map((name) => name.trim());
  return names.filter((name) => HEADER_NAME.test(name)).join(", ");
}
