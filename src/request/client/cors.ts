/** The headers that web pages of other origins need so that their browser lets them call: `server.cors`. Source: fetch.spec.whatwg.org, "CORS protocol". */
import type { Config, Cors } from "../../contract/config.ts";
import type { HeaderReader } from "../../contract/http.ts";
import { Reply, ReplyHeaders } from "../../contract/http.ts";
import { isPreflight, routes } from "../routes.ts";

const METHODS = [...new Set(routes.map(({ route }) => route.method))].join(", ");

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** The most header names of a preflight that are read. A page with an SDK asks for some twenty. */
const MOST_NAMES = 100;

/**
 * A page may read every header of an answer. The star means all headers where no cookie is sent. No page may send a cookie here, because no answer has
 * `access-control-allow-credentials`. A key is no cookie: it is a header that the page sets itself.
 */
const EXPOSED = { "access-control-expose-headers": "*" };

/** The only header where the client is a program, or a page that may not call: a cache must not give that answer to a page that may call. */
const VARYING = { vary: "Origin" };

type Fixed = Readonly<Record<string, string>>;

/** The headers of answers, and the answers to preflights, for the origins of one configuration. */
export class CorsHeaders {
  readonly #maxAge: string;
  /** The headers of every answer, where every origin may call. */
  readonly #toAll: Fixed | undefined;
  readonly #byOrigin = new Map<string, Fixed>();

  constructor({ origins, maxAgeMs }: Cors) {
    this.#maxAge = String(Math.floor(maxAgeMs / 1000));
    if (origins === "*") this.#toAll = { "access-control-allow-origin": "*", ...EXPOSED };
    else for (const origin of origins) this.#byOrigin.set(origin, { ...VARYING, "access-control-allow-origin": origin, ...EXPOSED });
  }

  /** Headers for any answer to a request with these headers. */
  of(headers: HeaderReader): Fixed {
    return this.#toAll ?? this.#byOrigin.get(headers.get("origin") ?? "") ?? VARYING;
  }

  /**
   * The answer to an OPTIONS; undefined where it is no preflight, or its origin may not call. It is the same for every path: otherwise a page with a wrong path
   * could not read the error that says so.
   */
  preflight(headers: HeaderReader): Reply | undefined {
    if (!isPreflight(headers)) return undefined;
    const origin = this.#toAll === undefined ? (headers.get("origin") ?? "") : "*";
    if (origin !== "*" && !this.#byOrigin.has(origin)) return undefined;
    const answer = new ReplyHeaders({ "access-control-allow-origin": origin, "access-control-allow-methods": METHODS });
    const names = askedNames(headers);
    // The names are listed, because a star would not include `authorization`.
    if (names !== "") answer.set("access-control-allow-headers", names);
    answer.set("access-control-max-age", this.#maxAge);
    answer.set("vary", "Origin, Access-Control-Request-Headers");
    return new Reply(204, answer, "");
  }
}

/** Undefined where pages of other origins may not call. */
export function corsOf({ server }: Pick<Config, "server">): CorsHeaders | undefined {
  return server.cors === undefined ? undefined : new CorsHeaders(server.cors);
}

/** The names of the headers that the page wants to send. A text that is no header name is left out. */
function askedNames(headers: HeaderReader): string {
  const names = (headers.get("access-control-request-headers") ?? "").split(",", MOST_NAMES).map((name) => name.trim());
  return names.filter((name) => HEADER_NAME.test(name)).join(", ");
}
