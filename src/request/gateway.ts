/**
 * The gateway: one request from top to bottom.
 *
 *   identify (401) → read (413) → check (400) → route (404) → reserve (413, 429, 503)
 *   → relay (a worker) → settle (limiter, metrics and access log, once)
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
import { findModel } from "./asked.ts";
import { Call, type CallParts } from "./call.ts";
import { callRecord } from "./call-record.ts";
import type { Callers, Endpoint } from "./caller.ts";
import { type CorsHeaders, corsOf } from "./cors.ts";
import type { Identity, Keyring } from "./keyring.ts";
import type { Outcome } from "./outcome.ts";
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

/** The party of all requests that need no key, together. No workspace has this name. */
const KEYLESS = "";
/** Parameters of a path; null where one does not decode. */
type Params = Readonly<Record<string, string | null>>;
const HEALTHY_HEADERS = { "content-type": "text/plain;charset=utf-8" };
/** The dialect and route of requests that no route takes. */
const NOWHERE: Endpoint = { route: NO_ROUTE, operation: "" };

export class Gateway {
  readonly app: Elysia;
  #parts: GatewayParts;
  readonly #fixedHeaders: Record<string, string> | undefined;
  /** Undefined where pages of other origins may not call. */
  #cors: CorsHeaders | undefined;
  /** Pages that need no key, by path. */
  readonly #plain = new Map<string, (asked: Asked) => Answered | Promise<Answered>>();
  /** Answers that go on after their calls. */
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
    app.all("/*", ({ request }) => this.#lost(asAsked(request)), { parse: "none" });
    this.app = app as unknown as Elysia;
  }

  handle(asked: Asked): Answered | Promise<Answered> {
    // Elysia's own way with HEAD reads the body of a web answer, which ours are not. The server leaves the body out.
    if (asked.method === "HEAD") return this.#lost(asked);
    if (asked.method === "OPTIONS") {
      const answer = this.#cors?.preflight(asked.headers);
      if (answer !== undefined) return answer;
    }
    // `handle` would do the same behind one more promise. What the adapter takes and gives is not in the types of Elysia's own.
    return this.app.fetch(asked as unknown as Request) as unknown as Answered | Promise<Answered>;
  }

  /** A request whose address is not to be followed; see `ListenOptions.refuse`. */
  refuse(asked: Asked, { status, message }: Flaw): Reply {
    return this.#unexpected(new GatewayError("invalid_request", { message, status }), asked);
  }

  /** Every value that the metrics' labels can have, as far as it is known beforehand. */
  labels(): { routes: string[]; served: Served } {
    const { catalog } = this.#parts;
    const offers = catalog.offers();
    return {
      routes: [...new Set(routes.map(({ route }) => routeLabel(route))), NO_ROUTE],
      served: {
        offers: routes
          // Few clients ask about kept answers: their series exist from the first such request on.
          .filter(({ route }) => namesModel(route.operation))
          .flatMap(({ dialect, route }) =>
            offers.filter((offer) => offer.dialect === dialect.upstream).map((offer) => ({ ...offer, route: routeLabel(route) })),
          ),
        workspaces: catalog.workspaces,
        modelsOf: (workspace) => catalog.limits(workspace)?.keys() ?? [],
      },
    };
  }

  /** Puts another configuration in force, all of it at once; requests that have begun keep what they have found so far. */
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

  #serve(dialect: Dialect, route: Route, asked: Asked, params: Params): Answered | Promise<Answered> {
    // A parameter that does not decode is null there, and must not be taken for a route without a region.
    const region = "region" in params ? (params.region ?? UNDECODED) : "";
    const visit = this.#visit(dialect, { route: routeLabel(route), operation: route.operation }, region, asked);
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

  /** Its workspace has begun so many calls just now that those of others come first. */
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

  #visit(dialect: Dialect, endpoint: Endpoint, region: string, asked: Asked): Visit {
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

  /** The page is as long as a hundred answers, and needs no key: so such requests take turns. */
  #page(path: string, prefix: string, asked: Asked): Promise<Reply> {
    const { turns, pages } = this.#parts;
    return turns.result(KEYLESS, () => pages.answer(path, prefix, asked));
  }

  /** An answer that was made without an upstream. */
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

  /** No route has this path, or only its head is wanted: perhaps one has it without doubled slashes; else the answer says what was probably meant. */
  #lost(asked: Asked): Answered | Promise<Answered> {
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
    const reply = this.#refuse(this.#visit(dialect, NOWHERE, "", asked), error);
    if (allow !== undefined) reply.headers.set("allow", allow);
    return reply;
  }

  #unexpected(error: unknown, asked: Asked): Reply {
    const { dialect } = explainPath(asked.method, normalisePath(pathOf(asked.url)), asked.headers);
    return this.#refuse(this.#visit(dialect, NOWHERE, "", asked), error);
  }

  /** The end of every call: what it reserved is settled, metrics, and one line in the log. */
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

/** The request as the adapter passes it to a handler, under the name that Elysia has for it. */
function asAsked(request: Request): Asked {
  return request as unknown as Asked;
}
