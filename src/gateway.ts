/**
 * The gateway: one request from top to bottom.
 *
 *   identify (401) → read (413) → check (400) → route (404) → relay (a worker) → settle (metrics and access log, once)
 */
import { Elysia } from "elysia";
import { Answer, errorResponse, type Outcome } from "./answer.ts";
import type { Identity, Keyring } from "./auth.ts";
import { readBody } from "./body.ts";
import type { Catalog, Offer, RoutedTarget } from "./catalog.ts";
import { toBytes, toByteText } from "./contract/bytes.ts";
import type { PoolCall } from "./contract/call.ts";
import type { Config } from "./contract/config.ts";
import type { Dialect, Envelope, Route } from "./contract/dialect.ts";
import { asGatewayError, GatewayError } from "./contract/errors.ts";
import { type Readiness, readinessResponse } from "./contract/readiness.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Pool } from "./pool.ts";
import { nextRequestId } from "./request-id.ts";
import { explainPath, matchRoute, normalisePath, PUBLIC_PREFIX, routeLabel, routes } from "./routes.ts";

export interface GatewayParts {
  config: Config;
  keyring: Keyring;
  catalog: Catalog;
  pool: Pool;
  metrics: Metrics;
  log: Logger;
  /** See `Listener.holdOpen`. */
  holdOpen(request: Request): void;
  /** What `/readyz` answers. */
  readiness(): Readiness;
}

/** Bodies up to here are parsed on the front's thread; larger ones by a worker, so that nobody waits behind them. */
const INLINE_BYTES = 64 * 1024;

/** The label of requests that no route takes. */
const NO_ROUTE = "other";

/** What is known of a request so far; filled in from step to step, read once at the end. */
interface Visit {
  readonly dialect: Dialect;
  /** The route as metrics and log name it. */
  readonly route: string;
  readonly requestId: string;
  readonly startedMs: number;
  readonly headers: Record<string, string>;
  identity: Identity | undefined;
  region: string;
  /** As the client named it; "" before the body was read. */
  model: string;
  stream: boolean;
  offer: Offer | undefined;
  target: RoutedTarget | undefined;
}

export class Gateway {
  readonly app: Elysia;
  readonly #parts: GatewayParts;
  readonly #fixedHeaders: Record<string, string>;
  #open = 0;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
    this.#fixedHeaders = parts.config.sandbox ? { "x-weir-sandbox": "true" } : {};
    // `standardHostname` off: with it, Elysia takes a path from the eleventh character on and misses it behind a short host name such as "gw".
    const app = new Elysia({ normalize: false, handler: { standardHostname: false } });
    for (const { dialect, route } of routes) {
      for (const path of [route.path, PUBLIC_PREFIX + route.path]) {
        app.route(route.method, path, ({ request, params }) => this.#serve(dialect, route, request, params as Record<string, string>), {
          parse: "none",
        });
      }
    }
    app.get("/healthz", () => new Response("ok\n"));
    app.get("/readyz", () => readinessResponse(this.#parts.readiness()));
    app.all("/*", ({ request }) => this.#lost(request), { parse: "none" });
    app.onError(({ error, request }) => this.#unexpected(error, request));
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
        .filter(({ route }) => route.operation === "generate")
        .flatMap(({ dialect, route }) =>
          offers.filter((offer) => offer.dialect === dialect.name).map((offer) => ({ ...offer, route: routeLabel(route) })),
        ),
    };
  }

  /** Calls that are being answered. */
  get openCalls(): number {
    return this.#open;
  }

  #serve(dialect: Dialect, route: Route, request: Request, params: Record<string, string>): Response | Promise<Response> {
    const visit = this.#visit(dialect, routeLabel(route), params.region ?? "");
    try {
      this.#identify(visit, request);
      switch (route.operation) {
        case "generate":
          return this.#generate(visit, request);
        case "models":
          return this.#answer(visit, dialect.models(this.#models(visit)));
        case "model":
          return this.#answer(visit, dialect.model(this.#model(visit, decodeURIComponent(params.model ?? ""))));
      }
    } catch (thrown) {
      return this.#refuse(visit, thrown);
    }
  }

  #visit(dialect: Dialect, route: string, region: string): Visit {
    const requestId = nextRequestId();
    this.#parts.metrics.callStarted(route);
    this.#open += 1;
    return {
      dialect,
      route,
      requestId,
      startedMs: performance.now(),
      headers: { ...this.#fixedHeaders, "request-id": requestId, "x-request-id": requestId },
      identity: undefined,
      region,
      model: "",
      stream: false,
      offer: undefined,
      target: undefined,
    };
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

  async #generate(visit: Visit, request: Request): Promise<Response> {
    const { config, metrics, pool, holdOpen } = this.#parts;
    const { dialect } = visit;
    let call: PoolCall | undefined;
    const answer = new Answer({
      dialect,
      requestId: visit.requestId,
      headers: visit.headers,
      gaps: metrics.chunkGaps(visit.route),
      onWeighed: (model, stream, maxTokens) => call?.go(this.#route(visit, { model, stream, maxTokens }).id, visit.requestId),
      onEnd: (outcome) => this.#settle(visit, outcome),
    });
    // Before the first byte only the signal tells that the client has gone. Deno fires it after a good answer as well; that is harmless here.
    request.signal.addEventListener("abort", () => answer.abandon(), { once: true });
    try {
      const body = await readBody(request, config.server.maxBodyBytes);
      holdOpen(request);
      const hints = dialect.hints(request.headers);
      if (body.byteLength > INLINE_BYTES) call = pool.weigh(dialect.name, hints, body, answer);
      else {
        const text = toByteText(new Uint8Array(body));
        const envelope = dialect.check(text, hints);
        const target = this.#route(visit, envelope);
        const { model, stream } = envelope;
        call = pool.call(
          { dialect: dialect.name, target: target.id, stream, model, hints, requestId: visit.requestId, body: text },
          answer,
        );
      }
      answer.attach(call);
    } catch (thrown) {
      if (request.signal.aborted) answer.abandon();
      else answer.fail(asGatewayError(thrown), undefined);
    }
    return answer.response;
  }

  /** @throws GatewayError `unknown_model` */
  #route(visit: Visit, envelope: Envelope): RoutedTarget {
    visit.model = envelope.model;
    visit.stream = envelope.stream;
    visit.offer = this.#parts.catalog.find(visit.identity?.workspace.name ?? "", visit.dialect.name, visit.region, envelope.model);
    visit.target = visit.offer.targets[0];
    return visit.target;
  }

  #models(visit: Visit) {
    return this.#parts.catalog.list(visit.identity?.workspace.name ?? "", visit.dialect.name, visit.region);
  }

  #model(visit: Visit, id: string) {
    const workspace = visit.identity?.workspace.name ?? "";
    visit.offer = this.#parts.catalog.find(workspace, visit.dialect.name, visit.region, id);
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
    const { dialect, error } = explainPath(request.method, path, request.headers);
    return this.#refuse(this.#visit(dialect, NO_ROUTE, ""), error);
  }

  #unexpected(error: unknown, request: Request): Response {
    const { dialect } = explainPath(request.method, new URL(request.url).pathname, request.headers);
    return this.#refuse(this.#visit(dialect, NO_ROUTE, ""), error);
  }

  /** The end of every call: metrics and one line in the log. */
  #settle(visit: Visit, { outcome, error, ended, firstByteAtMs }: Outcome): void {
    const { metrics, log } = this.#parts;
    this.#open -= 1;
    const durationMs = performance.now() - visit.startedMs;
    const firstByteMs = firstByteAtMs === undefined ? undefined : firstByteAtMs - visit.startedMs;
    const workspace = visit.identity?.workspace.name ?? "";
    const upstream = visit.target?.upstream.name ?? "";
    metrics.callEnded({
      route: visit.route,
      workspace,
      model: visit.offer?.model ?? "other",
      region: visit.offer?.region ?? "other",
      upstream,
      outcome,
      durationMs,
      firstByteMs,
      overheadMs: ended === undefined || firstByteMs === undefined ? undefined : firstByteMs - ended.firstByteMs,
      usage: ended?.usage,
    });
    const line = {
      request_id: visit.requestId,
      route: visit.route,
      region: visit.region,
      workspace,
      key: visit.identity?.keyName,
      model: visit.offer?.model,
      stream: visit.stream,
      upstream,
      upstream_model: visit.target?.model,
      upstream_request_id: ended?.upstreamRequestId,
      outcome,
      duration_ms: round(durationMs),
      first_byte_ms: firstByteMs === undefined ? undefined : round(firstByteMs),
      upstream_ms: ended === undefined ? undefined : round(ended.upstreamMs),
      input_tokens: ended?.usage.input,
      output_tokens: ended?.usage.output,
      cache_read_tokens: ended?.usage.cacheRead,
      cache_write_tokens: ended?.usage.cacheWrite,
      // The message is for the client and may quote what it sent; the log names the field and, where it is ours to mend, the cure.
      param: error?.detail.param,
      cause: error?.detail.log,
    };
    if (outcome === "misconfigured" || outcome === "internal") log.error(line, "request");
    else log.info(line, "request");
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
