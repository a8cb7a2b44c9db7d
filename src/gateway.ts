/**
 * The gateway: one request from top to bottom.
 *
 *   identify (401) → read (413) → check (400) → route (404) → reserve (413, 429, 503)
 *   → relay (a worker) → settle (limiter, metrics and access log, once)
 */
import { Elysia } from "elysia";
import type { AccessLog } from "./access-log.ts";
import { Answer, errorResponse, type Outcome } from "./answer.ts";
import type { Keyring } from "./auth.ts";
import { readBody } from "./body.ts";
import { type Catalog, type RoutedTarget, takeTurn } from "./catalog.ts";
import { toBytes, toByteText } from "./contract/bytes.ts";
import type { CallOrder, PoolCall } from "./contract/call.ts";
import type { Config } from "./contract/config.ts";
import { CALLS, type CallOperation, type Dialect, type Envelope, isCall, type Route } from "./contract/dialect.ts";
import { asGatewayError, GatewayError } from "./contract/errors.ts";
import { type Readiness, readinessResponse } from "./contract/readiness.ts";
import { tokensOf } from "./contract/usage.ts";
import type { Admission } from "./limiter/admission.ts";
import type { Decision } from "./limiter/limiter.ts";
import { refusal, showWindows } from "./limiter/refusal.ts";
import type { Metrics } from "./metrics.ts";
import type { Pool } from "./pool.ts";
import { explainPath, matchRoute, normalisePath, PUBLIC_PREFIX, routeLabel, routes, UNDECODED } from "./routes.ts";
import { beginVisit, callRecord, NO_ROUTE, type Visit } from "./visit.ts";

export interface GatewayParts {
  config: Config;
  keyring: Keyring;
  catalog: Catalog;
  pool: Pool;
  admission: Admission;
  metrics: Metrics;
  accessLog: AccessLog;
  /** See `Listener.holdOpen`. */
  holdOpen(request: Request): void;
  /** What is served as it is, to everybody, by path. */
  pages: Readonly<Record<string, { type: string; text: string }>>;
  /** What `/readyz` answers. */
  readiness(): Readiness;
}

/** Bodies up to here are parsed on the front's thread; larger ones by a worker, so that nobody waits behind them. */
const INLINE_BYTES = 64 * 1024;

/** What agents ask below their base URL, without a key, to learn whether anybody is there. Source: code.claude.com, llm-gateway-protocol. */
const PROBE = /^\/$|\/api\/hello$/;

export class Gateway {
  readonly app: Elysia;
  #parts: GatewayParts;
  readonly #fixedHeaders: Record<string, string>;
  #open = 0;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#fixedHeaders = parts.config.sandbox ? { "x-weir-sandbox": "true" } : {};
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
    for (const [path, { type, text }] of Object.entries(parts.pages)) {
      for (const place of [path, PUBLIC_PREFIX + path]) app.get(place, () => new Response(text, { headers: { "content-type": type } }));
    }
    app.get("/healthz", () => new Response("ok\n"));
    app.get("/readyz", () => readinessResponse(this.#parts.readiness()));
    app.all("/*", ({ request }) => this.#lost(request), { parse: "none" });
    this.app = app as unknown as Elysia;
  }

  handle(request: Request): Response | Promise<Response> {
    return this.app.handle(request);
  }

  /** Every value that the metrics' labels can have, as far as it is known beforehand. */
  labels(): { routes: string[]; offers: { route: string; model: string; region: string; upstreams: string[] }[] } {
    const offers = this.#parts.catalog.offers();
    return {
      routes: [...routes.map(({ route }) => routeLabel(route)), NO_ROUTE],
      offers: routes
        .filter(({ route }) => isCall(route.operation))
        .flatMap(({ dialect, route }) =>
          offers.filter((offer) => offer.dialect === dialect.upstream).map((offer) => ({ ...offer, route: routeLabel(route) })),
        ),
    };
  }

  /** Keys that are known. */
  get keys(): number {
    return this.#parts.keyring.size;
  }

  /** Puts another configuration in force, all of it at once; requests that have begun keep what they have found so far. */
  replace(parts: Pick<GatewayParts, "config" | "keyring" | "catalog">): void {
    this.#parts = { ...this.#parts, ...parts };
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
      this.#identify(visit, request);
      switch (route.operation) {
        case "models":
          return this.#answer(visit, dialect.models(this.#models(visit), new URL(request.url).searchParams));
        case "model":
          return this.#answer(visit, dialect.model(this.#model(visit, params.model ?? UNDECODED)));
        default:
          return this.#call(visit, route.operation, request);
      }
    } catch (thrown) {
      return this.#refuse(visit, thrown);
    }
  }

  #visit(dialect: Dialect, route: string, region: string): Visit {
    this.#parts.metrics.callStarted(route);
    this.#open += 1;
    return beginVisit(dialect, route, region, this.#fixedHeaders);
  }

  #identify(visit: Visit, request: Request): void {
    const { catalog, keyring } = this.#parts;
    if (visit.region !== "") catalog.requireRegion(visit.region);
    visit.identity = keyring.identify(request.headers, Date.now());
    if (visit.region !== "") return;
    const { name, defaultRegion } = visit.identity.workspace;
    if (defaultRegion === undefined) {
      throw new GatewayError("unknown_region", {
        message: `The path names no region and the workspace "${name}" has no default_region: use a path with a region.`,
      });
    }
    visit.region = defaultRegion;
  }

  async #call(visit: Visit, operation: CallOperation, request: Request): Promise<Response> {
    const { config, metrics, pool, holdOpen } = this.#parts;
    const { dialect, requestId } = visit;
    let call: PoolCall | undefined;
    const answer = new Answer({
      dialect,
      operation,
      requestId,
      headers: visit.headers,
      gaps: metrics.chunkGaps(visit.route),
      onWeighed: async (model, stream, maxTokens, inputTokens) => {
        const target = this.#route(visit, operation, { model, stream, maxTokens });
        if (CALLS[operation].counted) await this.#admit(visit, this.#parts.admission.byWeight(visit.claim, inputTokens));
        if (answer.idle) this.#drop(visit);
        else call?.go(target.id, requestId);
      },
      onEstimated: (inputTokens) => this.#correct(visit, inputTokens),
      onEnd: (outcome) => this.#settle(visit, outcome),
    });
    // Before the first byte only the signal tells that the client has gone. Deno fires it after a good answer as well; that is harmless here.
    request.signal.addEventListener("abort", () => answer.abandon(), { once: true });
    try {
      const body = await readBody(request, config.server.maxBodyBytes);
      visit.bytes = body.byteLength;
      holdOpen(request);
      const hints = dialect.hints(request.headers, config.strictParameters);
      const order = body.byteLength > INLINE_BYTES ? undefined : await this.#order(visit, operation, hints, body);
      if (answer.idle) this.#drop(visit);
      else {
        call = order === undefined ? pool.weigh(dialect.name, operation, hints, body, answer) : pool.call(order, answer);
        answer.attach(call);
      }
    } catch (thrown) {
      if (request.signal.aborted) answer.abandon();
      else answer.fail(asGatewayError(thrown), undefined);
    }
    return answer.response;
  }

  /** Checks and reserves a small body here; undefined where a worker has to weigh it first. */
  async #order(visit: Visit, operation: CallOperation, hints: string, bytes: ArrayBuffer): Promise<CallOrder | undefined> {
    const { admission } = this.#parts;
    const { dialect, requestId } = visit;
    const body = toByteText(new Uint8Array(bytes));
    const envelope = dialect.check(body, hints, operation);
    const target = this.#route(visit, operation, envelope);
    if (visit.offer?.exact) return undefined;
    const guess = admission.guess(visit.claim, body);
    if (CALLS[operation].counted && !(await this.#admit(visit, admission.byGuess(visit.claim, body, guess)))) return undefined;
    const { model, stream } = envelope;
    return { dialect: dialect.name, operation, target: target.id, stream, model, hints, requestId, guess, body };
  }

  /** @throws GatewayError `unknown_model` */
  #route(visit: Visit, operation: CallOperation, { model, stream, maxTokens }: Envelope): RoutedTarget {
    const workspace = visit.identity?.workspace.name ?? "";
    visit.stream = stream;
    visit.offer = this.#parts.catalog.find(workspace, visit.dialect.upstream, visit.region, model);
    visit.target = takeTurn(visit.offer);
    const { writes } = CALLS[operation];
    visit.claim = { workspace, model: visit.offer.model, limits: visit.offer.limits, maxTokens, writes };
    return visit.target;
  }

  /**
   * Waits for the limiter; true where the call may go, false where it has to be weighed first.
   * @throws GatewayError for a call that is refused.
   */
  async #admit(visit: Visit, asked: Decision | Promise<Decision>): Promise<boolean> {
    const decision = await asked;
    if (decision.outcome === "weigh") return false;
    const { claim, dialect } = visit;
    if (decision.outcome !== "unavailable") this.#parts.metrics.limiterDecided(claim.workspace, claim.model, decision.outcome);
    if ("windows" in decision && decision.windows !== undefined) showWindows(visit.headers, dialect.rateLimitPrefix, decision.windows);
    if (decision.outcome !== "admitted") throw refusal(decision, claim.workspace, claim.model);
    visit.reservation = decision.reservation;
    return true;
  }

  #correct(visit: Visit, inputTokens: number): void {
    if (visit.reservation !== undefined) this.#parts.admission.correct(visit.reservation, inputTokens);
  }

  /** The client left while its call was being reserved, and has been settled without it. */
  #drop(visit: Visit): void {
    if (visit.reservation !== undefined) this.#parts.admission.refund(visit.reservation);
  }

  #models(visit: Visit) {
    return this.#parts.catalog.list(visit.identity?.workspace.name ?? "", visit.dialect.upstream, visit.region);
  }

  #model(visit: Visit, id: string) {
    const workspace = visit.identity?.workspace.name ?? "";
    visit.offer = this.#parts.catalog.find(workspace, visit.dialect.upstream, visit.region, id);
    return { id, created: visit.offer.created };
  }

  /** An answer that needed nobody else. */
  #answer(visit: Visit, body: string): Response {
    this.#settle(visit, { outcome: "ok", error: undefined, ended: undefined, firstByteAtMs: performance.now() });
    return new Response(toBytes(body), { headers: { "content-type": "application/json", ...visit.headers } });
  }

  #refuse(visit: Visit, thrown: unknown): Response {
    const error = asGatewayError(thrown);
    this.#settle(visit, { outcome: error.kind, error, ended: undefined, firstByteAtMs: undefined });
    return errorResponse(visit.dialect, error, visit.requestId, visit.headers);
  }

  /** No route has this path: perhaps one has it without doubled slashes; else the answer says what was probably meant. */
  #lost(request: Request): Response | Promise<Response> {
    const url = new URL(request.url);
    const path = normalisePath(url.pathname);
    if (path !== url.pathname) {
      const found = matchRoute(request.method, path);
      if (found !== undefined) return this.#serve(found.dialect, found.route, request, found.params);
    }
    if (request.method === "HEAD" && PROBE.test(path)) return new Response(null);
    const { dialect, error } = explainPath(request.method, path, request.headers);
    return this.#refuse(this.#visit(dialect, NO_ROUTE, ""), error);
  }

  #unexpected(error: unknown, request: Request): Response {
    const { dialect } = explainPath(request.method, new URL(request.url).pathname, request.headers);
    return this.#refuse(this.#visit(dialect, NO_ROUTE, ""), error);
  }

  /** The end of every call: what it reserved is settled, metrics, and one line in the log. */
  #settle(visit: Visit, end: Outcome): void {
    const { admission, metrics, accessLog } = this.#parts;
    this.#open -= 1;
    const { claim, reservation } = visit;
    const { outcome, ended, firstByteAtMs } = end;
    if (reservation !== undefined) {
      const failedEarly = firstByteAtMs === undefined && outcome !== "cancelled" && outcome !== "ok";
      if (failedEarly || (outcome === "cancelled" && ended !== undefined && tokensOf(ended.usage) === 0)) admission.refund(reservation);
      else admission.settle(claim, reservation, visit.bytes, ended, outcome === "ok");
    }
    const endedMs = performance.now();
    metrics.callEnded(callRecord(visit, end, endedMs));
    accessLog.add(visit, end, endedMs);
  }
}
