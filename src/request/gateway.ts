/**
 * The gateway: one request from top to bottom.
 *
 *   identify (401) → read (413) → check (400) → route (404) → reserve (413, 429, 503)
 *   → relay (a worker) → settle (limiter, metrics and access log, once)
 *
 * The first and the last step are here. The steps between are in `Call`, for a request that a worker answers; lists of models and pages are answered here.
 */
import { Elysia } from "elysia";
import { type CallOperation, type Dialect, namesModel, type Route } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import { type Answered, type Asked, type Flaw, type Pages, Reply, ReplyHeaders } from "../contract/http.ts";
import { publicReadiness, type Readiness } from "../contract/readiness.ts";
import { askedAdapter } from "../http/elysia.ts";
import { normalisePath, pathOf, queryOf } from "../http/target.ts";
import type { Served } from "../metrics/served.ts";
import type { Totals } from "../usage/totals.ts";
import type { AccessLog } from "./access-log.ts";
import { Call, type CallParts } from "./call.ts";
import { findModel } from "./claim.ts";
import type { Callers, Endpoint } from "./client/caller.ts";
import { type CorsHeaders, corsOf } from "./client/cors.ts";
import type { Identity, Keyring } from "./client/keyring.ts";
import { callRecord, type Outcome } from "./outcome.ts";
import { errorReply, jsonReply } from "./reply.ts";
import { explainPath, matchRoute, PUBLIC_PREFIX, routeLabel, routes, UNDECODED } from "./routes.ts";
import { endSpan } from "./spans.ts";
import { Unfinished } from "./unfinished.ts";
import { NO_ROUTE, Visit } from "./visit.ts";

export interface GatewayParts extends CallParts {
  callers: Callers;
  keyring: Keyring;
  accessLog: AccessLog;
  totals: Pick<Totals, "count">;
  pages: Pages;
  /** The answer to `/readyz`. */
  readiness(): Readiness;
}

/** The path that agents ask below their base URL, without a key, to learn whether a server answers there. Source: code.claude.com, llm-gateway-protocol. */
const PROBE = /^\/$|\/api\/hello$/;

/** The party whose turns (`Turns`) all requests without a key share. No workspace has this name. */
const KEYLESS = "";
/** Parameters of a path, decoded; null for one that cannot be decoded. */
type Params = Readonly<Record<string, string | null>>;
const HEALTHY_HEADERS = { "content-type": "text/plain;charset=utf-8" };
/** The endpoint of requests without a route. */
const NOWHERE: Endpoint = { route: NO_ROUTE, operation: "" };

export class Gateway {
  readonly app: Elysia;
  #parts: GatewayParts;
  readonly #fixedHeaders: Record<string, string> | undefined;
  /** Undefined where web pages of other origins may not call. */
  #cors: CorsHeaders | undefined;
  /** Pages without a key, by path. */
  readonly #plain = new Map<string, (asked: Asked) => Answered | Promise<Answered>>();
  /** Answers that their upstreams continue after the call. */
  readonly #unfinished = new Unfinished(() => this.#parts);
  #open = 0;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#fixedHeaders = parts.config.sandbox ? { "x-weir-sandbox": "true" } : undefined;
    this.#cors = corsOf(parts.config);
    const app = new Elysia({ adapter: askedAdapter, normalize: false });
    // Before the routes: Elysia gives a hook only to what is registered after it.
    app.onError(({ error, request }) => this.#unexpected(error, asAsked(request)));
    for (const { dialect, route } of routes) {
      for (const path of [route.path, PUBLIC_PREFIX + route.path]) {
        // A path without parameters has no `params` at all.
        app.route(route.method, path, ({ request, params = {} }) => this.#serve(dialect, route, asAsked(request), params as Params), {
          parse: "none",
        });
      }
    }
    for (const path of parts.pages.paths) {
      for (const prefix of ["", PUBLIC_PREFIX]) {
        this.#plain.set(prefix + path, (asked) => this.#page(path, prefix, asked));
      }
    }
    this.#plain.set("/healthz", () => new Reply(200, new ReplyHeaders(HEALTHY_HEADERS), "ok\n"));
    this.#plain.set("/readyz", () => publicReadiness(this.#parts.readiness()));
    for (const [path, answer] of this.#plain) app.get(path, ({ request }) => answer(asAsked(request)));
    app.all("/*", ({ request }) => this.#unrouted(asAsked(request)), { parse: "none" });
    this.app = app as unknown as Elysia;
  }

  handle(asked: Asked): Answered | Promise<Answered> {
    // A HEAD request is answered here as a GET, and the server leaves the body out. Elysia would read the body of a web `Response`, and our answers are none.
    if (asked.method === "HEAD") return this.#unrouted(asked);
    if (asked.method === "OPTIONS") {
      const answer = this.#cors?.preflight(asked.headers);
      if (answer !== undefined) return answer;
    }
    // Elysia's `handle` would do the same with one more promise. Its types do not know the adapter's request and answer.
    return this.app.fetch(asked as unknown as Request) as unknown as Answered | Promise<Answered>;
  }

  /** The answer to a request whose address is refused; see `ListenOptions.refuse`. */
  refuse(asked: Asked, { status, message }: Flaw): Reply {
    return this.#unexpected(new GatewayError("invalid_request", { message, status }), asked);
  }

  /** The values of the metrics' labels that are known beforehand. */
  labels(): { routes: string[]; served: Served } {
    const { catalog } = this.#parts;
    const offers = catalog.offers();
    return {
      routes: [...new Set(routes.map(({ route }) => routeLabel(route))), NO_ROUTE],
      served: {
        offers: routes
          // Few clients ask about kept answers: the series of these routes begin with the first such request.
          .filter(({ route }) => namesModel(route.operation))
          .flatMap(({ dialect, route }) =>
            offers.filter((offer) => offer.dialect === dialect.upstream).map((offer) => ({ ...offer, route: routeLabel(route) })),
          ),
        workspaces: catalog.workspaces,
        modelsOf: (workspace) => catalog.limits(workspace)?.keys() ?? [],
      },
    };
  }

  /** Puts another configuration in force, all of it at once. Requests that have begun keep what they have read of the one before. */
  replace(parts: Pick<GatewayParts, "config" | "catalog">): void {
    this.#parts = { ...this.#parts, ...parts };
    this.#cors = corsOf(parts.config);
  }

  /** `Catalog.breakers` of the configuration in force. */
  breakers() {
    return this.#parts.catalog.breakers();
  }

  /** `Catalog.limits` of the configuration in force. */
  limits(workspace: string) {
    return this.#parts.catalog.limits(workspace);
  }

  /** Calls that are being answered. */
  get openCalls(): number {
    return this.#open;
  }

  /** Serves a request that has a route: finds its key, then `#answerTo`. */
  #serve(dialect: Dialect, route: Route, asked: Asked, params: Params): Answered | Promise<Answered> {
    // A region that cannot be decoded is null. It must not be treated as a path without a region.
    const region = "region" in params ? (params.region ?? UNDECODED) : "";
    const visit = this.#beginVisit(dialect, { route: routeLabel(route), operation: route.operation }, region, asked);
    try {
      const { catalog, keyring } = this.#parts;
      if (visit.region !== "") catalog.requireRegion(visit.region);
      const identity = keyring.identify(asked.headers, Date.now());
      if (!(identity instanceof Promise)) return this.#answerTo(identity, visit, route, asked, params);
      return identity
        .then((known) => this.#answerTo(known, visit, route, asked, params))
        .catch((thrown: unknown) => this.#refuse(visit, thrown));
    } catch (thrown) {
      return this.#refuse(visit, thrown);
    }
  }

  /** Serves a request whose key is known. What this throws becomes the answer, by `#refuse`. */
  #answerTo(identity: Identity, visit: Visit, route: Route, asked: Asked, params: Params): Answered | Promise<Answered> {
    visit.identified(identity);
    if (visit.region === "") {
      throw new GatewayError("unknown_region", {
        message: `The path names no region and the workspace "${visit.workspace}" has no default_region: use a path with a region.`,
      });
    }
    switch (route.operation) {
      case "models":
        return this.#answer(visit, visit.dialect.models(this.#models(visit), new URLSearchParams(queryOf(asked.url))));
      case "model":
        return this.#answer(visit, visit.dialect.model(this.#model(visit, params.model ?? UNDECODED)));
      default:
        return this.#parts.turns.mayBegin(visit.workspace, visit.startedMs, asked.isFirst)
          ? this.#call(visit, route.operation, asked, params)
          : this.#beginInTurn(visit, route.operation, asked, params);
    }
  }

  #call(visit: Visit, operation: CallOperation, asked: Asked, { kept = UNDECODED }: Params): Promise<Reply> {
    return new Call(this.#parts, visit, operation, this.#settle, kept ?? UNDECODED).begin(asked);
  }

  /** Begins a call later, in a turn: its workspace has begun so many calls at this moment that the calls of others come first. */
  #beginInTurn(visit: Visit, operation: CallOperation, asked: Asked, params: Params): Promise<Reply> {
    let isGone = false;
    asked.onLeft = () => {
      isGone = true;
    };
    const begun = this.#parts.turns.result(visit.workspace, () => {
      if (isGone) throw new GatewayError("cancelled", { message: "The client has gone." });
      return this.#call(visit, operation, asked, params);
    });
    return begun.catch((thrown: unknown) => this.#refuse(visit, thrown));
  }

  /** Counts a request, and begins to note what is known about it. */
  #beginVisit(dialect: Dialect, endpoint: Endpoint, region: string, asked: Asked): Visit {
    const { metrics, callers, config } = this.#parts;
    metrics.callStarted(endpoint.route);
    this.#open += 1;
    return new Visit(
      dialect,
      endpoint.route,
      region,
      callers.of(asked, endpoint, config),
      this.#cors?.of(asked.headers) ?? this.#fixedHeaders,
    );
  }

  #models(visit: Visit) {
    return this.#parts.catalog.list(visit.workspace, visit.dialect.upstream, visit.region);
  }

  #model(visit: Visit, id: string) {
    const offer = findModel(this.#parts.catalog, visit, id);
    visit.routed(offer);
    return { id, created: offer.created };
  }

  /** A page is as long as a hundred answers, and anybody may ask for it without a key: so these requests take turns. */
  #page(path: string, prefix: string, asked: Asked): Promise<Reply> {
    const { turns, pages } = this.#parts;
    return turns.result(KEYLESS, () => pages.answer(path, prefix, asked));
  }

  /** Answers without an upstream. */
  #answer(visit: Visit, body: string): Reply {
    const reply = jsonReply(200, body, visit.takeHeaders());
    this.#settle(visit, {
      outcome: "ok",
      error: undefined,
      ended: undefined,
      status: 200,
      firstByteAtMs: performance.now(),
      passedBytes: 0,
    });
    return reply;
  }

  #refuse(visit: Visit, thrown: unknown): Reply {
    const error = asGatewayError(thrown);
    const reply = errorReply(visit.dialect, error, visit.requestId, visit.takeHeaders());
    const { status } = reply;
    this.#settle(visit, { outcome: error.kind, error, ended: undefined, status, firstByteAtMs: undefined, passedBytes: 0 });
    return reply;
  }

  /** No route has the path as it was sent, or the request is a HEAD. A route may have it without doubled slashes; else the error says what was probably meant. */
  #unrouted(asked: Asked): Answered | Promise<Answered> {
    const sent = pathOf(asked.url);
    const path = normalisePath(sent);
    const isHead = asked.method === "HEAD";
    if (path !== sent || isHead) {
      const method = isHead ? "GET" : asked.method;
      const found = matchRoute(method, path);
      if (found !== undefined) return this.#serve(found.dialect, found.route, asked, found.params);
      const plain = method === "GET" ? this.#plain.get(path) : undefined;
      if (plain !== undefined) return plain(asked);
    }
    if (isHead && PROBE.test(path)) return new Response(null);
    const { dialect, error, allow } = explainPath(asked.method, path, asked.headers);
    const reply = this.#refuse(this.#beginVisit(dialect, NOWHERE, "", asked), error);
    if (allow !== undefined) reply.headers.set("allow", allow);
    return reply;
  }

  /** Refuses a request at which something failed outside the route's own way. */
  #unexpected(error: unknown, asked: Asked): Reply {
    const { dialect } = explainPath(asked.method, normalisePath(pathOf(asked.url)), asked.headers);
    return this.#refuse(this.#beginVisit(dialect, NOWHERE, "", asked), error);
  }

  /** The end of every request: its reservation is settled, the metrics and the totals count it, and it gets one line in the log. */
  readonly #settle = (visit: Visit, end: Outcome): void => {
    const { admission, metrics, accessLog, totals } = this.#parts;
    this.#open -= 1;
    const { ended } = end;
    if (ended === undefined || ended.unfinished === "") visit.ended(admission.end(visit, end));
    else this.#unfinished.add(visit, ended);
    const { claim, reservation, used } = visit;
    if (reservation !== undefined && claim.window === "calls") totals.count(reservation.workspace, reservation.model, used);
    const endedMs = performance.now();
    metrics.callEnded(callRecord(visit, end, endedMs));
    accessLog.add(visit, end, endedMs);
    if (visit.caller.span !== undefined) endSpan(visit.caller.span, visit, end);
  };
}

/** The request that the adapter has passed through Elysia, under its true type. */
function asAsked(request: Request): Asked {
  return request as unknown as Asked;
}
