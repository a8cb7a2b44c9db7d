import { type Dialect, namesModel, type Route, type UpstreamDialect } from "../contract/dialect.ts";
import { GatewayError } from "../contract/errors.ts";
import type { HeaderReader } from "../contract/http.ts";
import { dialects, fallbackDialect } from "../dialects/index.ts";

/** Every path also exists below this prefix, because dedicated deployments use it. */
export const PUBLIC_PREFIX = "/api/public";

/** Replaces a part of a path that cannot be decoded. No region, model or answer has this name. */
export const UNDECODED = "\ufffd";

export interface Match {
  dialect: Dialect;
  route: Route;
  params: Record<string, string>;
}

/** Every route of every dialect. */
export const routes: readonly { dialect: Dialect; route: Route }[] = Object.values(dialects).flatMap((dialect) =>
  dialect.routes.map((route) => ({ dialect, route })),
);

const labels = new Map(routes.map(({ route }) => [route, route.path.replaceAll(/:(\w+)/g, "{$1}")]));

const patterns = routes.map(({ dialect, route }) => ({
  dialect,
  route,
  pattern: new RegExp(`^(?:${PUBLIC_PREFIX})?${route.path.replaceAll(/:(\w+)/g, "(?<$1>[^/]+)")}$`),
}));

/** The name of a route in metrics, log and messages: `/openai/{region}/v1/chat/completions`. */
export function routeLabel(route: Route): string {
  return labels.get(route) ?? route.path;
}

/** The routes of calls that models of this dialect answer, as `METHOD name`. */
export function callsOf(dialect: UpstreamDialect): string[] {
  return routes
    .filter((each) => each.dialect.name === dialect && namesModel(each.route.operation))
    .map(({ route }) => `${route.method} ${routeLabel(route)}`);
}

/** The route of a normalised path; for paths that Elysia's router did not find. */
export function matchRoute(method: string, path: string): Match | undefined {
  for (const { dialect, route, pattern } of patterns) {
    const match = pattern.exec(path);
    if (match === null || route.method !== method) continue;
    const params = Object.entries({ ...match.groups }).map(([name, text]) => [name, decode(text)]);
    return { dialect, route, params: Object.fromEntries(params) };
  }
  return undefined;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return UNDECODED;
  }
}

const UPGRADE_REFUSED = 426;
const LONGEST_ORIGIN = 260;

/** Whether the headers of an OPTIONS make it a preflight: a browser asks what a page may do, before it sends the page's own request. */
export function isPreflight(headers: HeaderReader): boolean {
  return headers.has("origin") && headers.has("access-control-request-method");
}

/** What is wrong with a request that no route takes. */
interface Misfit {
  /** The dialect that the client probably meant. */
  dialect: Dialect;
  error: GatewayError;
  /** The `allow` header of a 405; undefined with any other status. Source: RFC 9110, §15.5.6. */
  allow?: string;
}

/** What is wrong with a method and a normalised path without a route; the message names the mistake where it can be found. */
export function explainPath(method: string, path: string, headers: HeaderReader): Misfit {
  const inner = path.startsWith(`${PUBLIC_PREFIX}/`) ? path.slice(PUBLIC_PREFIX.length) : path;
  const dialect = Object.values(dialects).find((candidate) => candidate.owns(inner)) ?? guessDialect(headers);
  if (headers.get("upgrade")?.toLowerCase() === "websocket") {
    // After a 426, and only then, Codex continues by HTTP at once. After a 404 it tries six more times, for seven seconds (0.144, 0.157 and 0.171, measured).
    const message = `${path.slice(0, 200)} is not served over WebSockets: send an HTTP request.`;
    return { dialect, error: new GatewayError("unknown_route", { message, status: UPGRADE_REFUSED }) };
  }
  const known = [...new Set(patterns.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route.method))];
  // HEAD is answered wherever GET is.
  const allow = known.flatMap((each) => (each === "GET" ? ["GET", "HEAD"] : [each])).join(", ");
  if (method === "OPTIONS" && isPreflight(headers)) {
    const origin = (headers.get("origin") ?? "").slice(0, LONGEST_ORIGIN);
    const message = `Pages of ${origin} may not call this gateway: server.cors.origins of its configuration does not have this origin.`;
    return { dialect, error: new GatewayError("method_not_allowed", { message }), allow };
  }
  if (known.length > 0) {
    const message = `${path.slice(0, 200)} takes ${known.join(" or ")}, not ${method}.`;
    return { dialect, error: new GatewayError("method_not_allowed", { message }), allow };
  }
  const hint = dialect.misroute(inner);
  const message = `There is no route ${method} ${path.slice(0, 200)}.${hint === undefined ? ` Routes: ${routeList()}.` : ` ${hint}`}`;
  return { dialect, error: new GatewayError("unknown_route", { message }) };
}

function guessDialect(headers: HeaderReader): Dialect {
  const dialect = Object.values(dialects).find((candidate) => candidate.speaks(headers));
  return dialect ?? fallbackDialect;
}

function routeList(): string {
  return patterns
    .filter(({ route }) => namesModel(route.operation))
    .map(({ route }) => `${route.method} ${routeLabel(route)}`)
    .join(", ");
}
