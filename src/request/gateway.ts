/**
 * The gateway: one request from top to bottom.
 *
 *   identify (401) → read (413) → check (400) → route (404) → reserve (413, 429, 503)
 *   → relay (a worker) → settle (limiter, metrics and access log, once)
 */
import { Elysia } from "elysia";
import { type Dialect, isCall, type Route } from "../contract/dialect.ts";
import { asGatewayError, GatewayError } from "../contract/errors.ts";
import type { Pages } from "../contract/pages.ts";
import { publicReadiness, type Readiness } from "../contract/readiness.ts";
import { normalisePath, pathOf, queryOf } from "../contract/target.ts";
import type { Served } from "../metrics/served.ts";
import type { UpstreamHealth } from "../routing/upstream-health.ts";
import type { Totals } from "../usage/totals.ts";
import type { AccessLog } from "./access-log.ts";
import { errorResponse, jsonResponse, type Outcome } from "./answer.ts";
import { findModel } from "./asked.ts";
import { Call, type CallParts } from "./call.ts";
import type { Identity, Keyring } from "./keyring.ts";
import { explainPath, matchRoute, PUBLIC_PREFIX, routeLabel, routes, UNDECODED } from "./routes.ts";
import { beginVisit, callRecord, NO_ROUTE, type Visit } from "./visit.ts";

export interface GatewayParts extends CallParts {
  keyring: Keyring;
  accessLog: AccessLog;
  totals: Pick<Totals, "count">;
  health: Pick<UpstreamHealth, "note">;
  pages: Pages;
  /** What `/readyz` answers. */
  readiness(): Readiness;
}

/** What agents ask below their base URL, without a key, to learn whether anybody is there. Source: code.claude.com, llm-gateway-protocol. */
const PROBE = /^\/$|\/api\/hello$/;

export class Gateway {
  readonly app: Elysia;
  #parts: GatewayParts;
  readonly #fixedHeaders: Record<string, string> | undefined;
  /** What everybody may ask for, by path. */
  readonly #plain = new Map<string, (request: Request) => Response>();
  #open = 0;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#fixedHeaders = parts.config.sandbox ? { "x-weir-sandbox": "true" } : undefined;
    // `standardHostname` off: with it, Elysia takes a path from the eleventh character on and misses it behind a short host name such as "gw".
    const app = new Elysia({ normalize: false, handler: { standardHostname: false } });
    // Before the routes: Elysia gives a hook only to what is registered after it.
    app.onError(({ error, request }) => this.#unexpected(error, request));
    for (const { dialect, route } of routes) {
      for (const path of [route.path, PUBLIC_PREFIX + route.path]) {
        // A path without parameters has no `params` at all.
        app.route(
          route.method,
          path,
          ({ request, params = {} }) => this.#serve(dialect, route, request, params as Record<string, string | null>),
          {
            parse: "none",
          },
        );
      }
    }
    for (const path of parts.pages.paths) {
      for (const prefix of ["", PUBLIC_PREFIX]) this.#plain.set(prefix + path, (request) => parts.pages.answer(path, prefix, request));
    }
    this.#plain.set("/healthz", () => new Response("ok\n"));
    this.#plain.set("/readyz", () => publicReadiness(this.#parts.readiness()));
    for (const [path, answer] of this.#plain) app.get(path, ({ request }) => answer(request));
    app.all("/*", ({ request }) => this.#lost(request), { parse: "none" });
    this.app = app as unknown as Elysia;
  }

  handle(request: Request): Response | Promise<Response> {
    // `handle` would do the same behind one more promise.
    return this.app.fetch(request);
  }

  /** A request whose address is not to be followed; see `ListenOptions.refuse`. */
  refuse(request: Request, flaw: string): Response {
    return this.#unexpected(new GatewayError("invalid_request", { message: flaw }), request);
  }

  /** Every value that the metrics' labels can have, as far as it is known beforehand. */
  labels(): { routes: string[]; served: Served } {
    const { catalog } = this.#parts;
    const offers = catalog.offers();
    return {
      routes: [...routes.map(({ route }) => routeLabel(route)), NO_ROUTE],
      served: {
        offers: routes
          .filter(({ route }) => isCall(route.operation))
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
  }

  /** As `Catalog.breakers`, of what is in force. */
  breakers() {
    return this.#parts.catalog.breakers();
  }

  /** As `Catalog.limits`, of what is in force. */
  limits(workspace: string) {
    return this.#parts.catalog.limits(workspace);
  }

  /** The upstreams that calls can lead to, of all workspaces. */
  upstreams(): string[] {
    return this.#parts.catalog.targets.map(({ upstream }) => upstream.name);
  }

  /** Calls that are being answered. */
  get openCalls(): number {
    return this.#open;
  }

  #serve(dialect: Dialect, route: Route, request: Request, params: Record<string, string | null>): Response | Promise<Response> {
    // A parameter that does not decode is null there, and must not be taken for a route without a region.
    const region = "region" in params ? (params.region ?? UNDECODED) : "";
    const visit = this.#visit(dialect, routeLabel(route), region);
    try {
      const { catalog, keyring } = this.#parts;
      if (visit.region !== "") catalog.requireRegion(visit.region);
      const identity = keyring.identify(request.headers, Date.now());
      if (!(identity instanceof Promise)) return this.#answerTo(identity, visit, route, request, params);
      return identity
        .then((known) => this.#answerTo(known, visit, route, request, params))
        .catch((thrown: unknown) => this.#refuse(visit, thrown));
    } catch (thrown) {
      return this.#refuse(visit, thrown);
    }
  }

  #answerTo(
    identity: Identity,
    visit: Visit,
    route: Route,
    request: Request,
    params: Record<string, string | null>,
  ): Response | Promise<Response> {
    visit.identity = identity;
    const { name, defaultRegion } = identity.workspace;
    if (visit.region === "" && defaultRegion === undefined) {
      throw new GatewayError("unknown_region", {
        message: `The path names no region and the workspace "${name}" has no default_region: use a path with a region.`,
      });
    }
    visit.region ||= defaultRegion ?? "";
    switch (route.operation) {
      case "models":
        return this.#answer(visit, visit.dialect.models(this.#models(visit), new URLSearchParams(queryOf(request.url))));
      case "model":
        return this.#answer(visit, visit.dialect.model(this.#model(visit, params.model ?? UNDECODED)));
      default:
        return new Call(this.#parts, visit, route.operation, this.#settle).begin(request);
    }
  }

  #visit(dialect: Dialect, route: string, region: string): Visit {
    this.#parts.metrics.callStarted(route);
    this.#open += 1;
    return beginVisit(dialect, route, region, this.#fixedHeaders);
  }

  #models(visit: Visit) {
    return this.#parts.catalog.list(visit.identity?.workspace.name ?? "", visit.dialect.upstream, visit.region);
  }

  #model(visit: Visit, id: string) {
    visit.offer = findModel(this.#parts.catalog, visit, id);
    return { id, created: visit.offer.created };
  }

  /** An answer that needed nobody else. */
  #answer(visit: Visit, body: string): Response {
    this.#settle(visit, { outcome: "ok", error: undefined, ended: undefined, firstByteAtMs: performance.now() });
    return jsonResponse(200, body, visit.headers);
  }

  #refuse(visit: Visit, thrown: unknown): Response {
    const error = asGatewayError(thrown);
    this.#settle(visit, { outcome: error.kind, error, ended: undefined, firstByteAtMs: undefined });
    return errorResponse(visit.dialect, error, visit.requestId, visit.headers);
  }

  /** No route has this path: perhaps one has it without doubled slashes; else the answer says what was probably meant. */
  #lost(request: Request): Response | Promise<Response> {
    const sent = pathOf(request.url);
    const path = normalisePath(sent);
    if (path !== sent) {
      const found = matchRoute(request.method, path);
      if (found !== undefined) return this.#serve(found.dialect, found.route, request, found.params);
      const plain = request.method === "GET" ? this.#plain.get(path) : undefined;
      if (plain !== undefined) return plain(request);
    }
    if (request.method === "HEAD" && PROBE.test(path)) return new Response(null);
    const { dialect, error } = explainPath(request.method, path, request.headers);
    return this.#refuse(this.#visit(dialect, NO_ROUTE, ""), error);
  }

  #unexpected(error: unknown, request: Request): Response {
    const { dialect } = explainPath(request.method, normalisePath(pathOf(request.url)), request.headers);
    return this.#refuse(this.#visit(dialect, NO_ROUTE, ""), error);
  }

  /** The end of every call: what it reserved is settled, metrics, and one line in the log. */
  readonly #settle = (visit: Visit, end: Outcome): void => {
    const { admission, metrics, accessLog, totals, health } = this.#parts;
    this.#open -= 1;
    const { claim, reservation } = visit;
    if (reservation !== undefined) {
      admission.end(claim, reservation, visit.bytes, end);
      if (claim.window === "calls") totals.count(reservation.workspace, reservation.model, end.ended?.usage);
    }
    for (const { target, outcome } of visit.attempts) if (outcome !== undefined) health.note(target.upstream.name, outcome);
    const endedMs = performance.now();
    metrics.callEnded(callRecord(visit, end, endedMs));
    accessLog.add(visit, end, endedMs);
  };
}
