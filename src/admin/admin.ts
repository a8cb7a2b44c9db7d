import { Elysia } from "elysia";
import type { DirectoryActions } from "../directory/directory.ts";
import { normalisePath, pathOf, queryOf } from "../http/target.ts";
import { addressOf } from "../openapi/address.ts";
import { code, HTML_HEADERS } from "../openapi/html.ts";
import { docsPage, type PageSetting } from "../openapi/page.ts";
import type { Audit } from "./audit.ts";
import { Door } from "./door.ts";
import type { KnownHosts } from "./hosts.ts";
import { keyRoutes } from "./keys.ts";
import { adminDocument } from "./openapi.ts";
import { AdminRefusal, asRefusal, refusalResponse } from "./refusal.ts";
import type { AdminRoute } from "./route.ts";
import { type UsageSource, usageRoutes } from "./usage.ts";
import { type Served, workspaceRoutes } from "./workspaces.ts";

export interface AdminParts {
  routes: readonly AdminRoute[];
  /** Undefined: the routes that need it answer every request with 401. */
  token: string | undefined;
  /** Left out where no request comes over a network. */
  hosts?: KnownHosts;
  /** That of Weir. */
  version: string;
  audit: Audit;
  /** A fault of ours, for the log. */
  onFault(thrown: unknown): void;
  /** The client's address, by the connection. */
  addressOf(request: Request): string;
}

export interface DirectoryParts {
  directory: DirectoryActions;
  usage: UsageSource;
  audit: Audit;
  /** The configuration in force. */
  served(): Served;
}

const PAGE_PARAMETERS = ["limit", "after_id"];

/** Answers the requests of administrators, operators and Prometheus, on the admin listener. Never on the public port. */
export class Admin {
  readonly app: Elysia;
  readonly #parts: AdminParts;
  readonly #door: Door;
  readonly #patterns: readonly { route: AdminRoute; pattern: RegExp }[];

  constructor(parts: AdminParts) {
    this.#parts = parts;
    this.#door = new Door(parts.token, parts.audit);
    const app = new Elysia({ normalize: false, handler: { standardHostname: false } });
    // Before the routes: Elysia gives a hook only to what is registered after it.
    app.onError(({ error }) => this.#refuse(error));
    const routes = [...parts.routes, ...descriptions(parts)];
    this.#patterns = routes.map((route) => ({
      route,
      pattern: new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`),
    }));
    for (const route of routes) {
      const path = route.path.replaceAll(/\{(\w+)\}/g, ":$1");
      app.route(route.method, path, ({ request, params = {} }) => this.#serve(route, request, params as Record<string, string | null>), {
        parse: "none",
      });
    }
    app.all("/*", ({ request }) => this.#lost(request), { parse: "none" });
    this.app = app as unknown as Elysia;
  }

  handle(request: Request): Response | Promise<Response> {
    const refusal = this.#parts.hosts?.refusal(request);
    if (refusal !== undefined) return refusal;
    // Elysia answers HEAD without the length that the body of GET has.
    return request.method === "HEAD" ? this.#lost(request) : this.app.handle(request);
  }

  async #serve(route: AdminRoute, request: Request, params: Record<string, string | null>): Promise<Response> {
    try {
      const address = this.#parts.addressOf(request);
      if (route.open !== true) this.#door.pass(request.headers, address);
      const query = new URLSearchParams(queryOf(request.url));
      checkQuery(query, route);
      return await route.reply({ request, params: named(params), query, address });
    } catch (thrown) {
      return this.#refuse(thrown);
    }
  }

  #refuse(thrown: unknown): Response {
    const refusal = asRefusal(thrown);
    if (refusal.kind === "internal") this.#parts.onFault(thrown);
    return refusalResponse(refusal);
  }

  /** A request whose address is not to be followed; see `ListenOptions.refuse`. */
  refuse(flaw: string): Response {
    return refusalResponse(new AdminRefusal("invalid", flaw));
  }

  /**
   * A request for which Elysia has no route: perhaps there is one for the path without doubled slashes; otherwise the answer says what is wrong. HEAD is
   * answered as GET is; the server leaves the body out.
   */
  #lost(request: Request): Response | Promise<Response> {
    const path = normalisePath(pathOf(request.url));
    const found = this.#patterns.flatMap(({ route, pattern }) => {
      const match = pattern.exec(path);
      return match === null ? [] : [{ route, params: match.groups ?? {} }];
    });
    const method = request.method === "HEAD" ? "GET" : request.method;
    const taken = found.find(({ route }) => route.method === method);
    if (taken !== undefined) return this.#serve(taken.route, request, decodedAll(taken.params));
    if (found.length === 0)
      return refusalResponse(
        new AdminRefusal("unknown", "There is nothing at this path of the admin listener. GET /admin/openapi.json lists all paths."),
      );
    const allow = found.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method])).join(", ");
    return refusalResponse(new AdminRefusal("method_not_allowed", `This path takes ${allow}.`, { allow }));
  }
}

/** The routes by which administrators change things, wherever the directory is. */
export function directoryRoutes({ directory, usage, audit, served }: DirectoryParts): AdminRoute[] {
  return [...workspaceRoutes(directory, audit, served), ...keyRoutes(directory, audit), ...usageRoutes(usage)];
}

function descriptions({ routes, version }: AdminParts): AdminRoute[] {
  const about = { method: "GET", tag: "Gateway", open: true, refusals: [] } as const;
  const own: AdminRoute[] = [
    {
      ...about,
      path: "/admin/openapi.json",
      operation: "openapi",
      summary: "This document",
      answer: { status: 200, description: "OpenAPI 3.1.", type: "application/json" },
      reply: () => Response.json(document()),
    },
    {
      ...about,
      path: "/admin/docs",
      operation: "docs",
      summary: "This document as a page",
      answer: { status: 200, description: "HTML that loads nothing.", type: "text/html" },
      reply: ({ request }) => new Response(docsPage(document(), pageFor(addressOf(request.headers))), { headers: HTML_HEADERS }),
    },
  ];
  const document = () => adminDocument([...routes, ...own], version);
  return own;
}

function pageFor(address: string): PageSetting {
  return {
    intro: `<p>Most routes need the admin token: <code>Authorization: Bearer</code>. The examples take the address and the token from the shell:</p>
${code(`export WEIR_ADMIN_URL=${address}\nexport WEIR_ADMIN_TOKEN=…`)}`,
    address: "$WEIR_ADMIN_URL",
    origin: "$WEIR_ADMIN_URL",
    key: "WEIR_ADMIN_TOKEN",
  };
}

/** @throws AdminRefusal for a parameter that the route does not have: with a misspelled one the answer would be another list than the client wanted */
function checkQuery(query: URLSearchParams, { paged }: AdminRoute): void {
  for (const name of query.keys()) {
    if (paged === true && PAGE_PARAMETERS.includes(name)) continue;
    const known = paged === true ? `; expected ${PAGE_PARAMETERS.join(" or ")}` : "";
    throw new AdminRefusal("invalid", `${JSON.stringify(name.slice(0, 64))}: is not a parameter here${known}`);
  }
}

/** The variables as Elysia gives them, null where one cannot be decoded: then it is "", which is no name. */
function named(params: Record<string, string | null>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, value ?? ""]));
}

/** The same form as Elysia's, of variables that are percent-encoded. */
function decodedAll(params: Readonly<Record<string, string>>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decoded(value)]));
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
