/** The description of every public route, as an OpenAPI document, made of the routes, schemas and names of errors that the gateway itself uses. */
import { CALLS, type Dialect, isCall, type Operation, type Route } from "../contract/dialect.ts";
import { ERROR_KINDS, type ErrorKind, GatewayError, STATUS } from "../contract/errors.ts";
import type { Body, DescribedOperation, Parameter } from "../dialects/description.ts";
import { descriptions } from "../dialects/openapi.ts";
import { PUBLIC_PREFIX, routeLabel, routes } from "../request/routes.ts";
import type { Offered } from "./offered.ts";
import { Shown } from "./shown.ts";

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type JsonObject = { [name: string]: Json };

const JSON_TYPE = "application/json";
const STREAM_TYPE = "text/event-stream";

/** Failures that a client of a described route can see. */
const SHOWN_KINDS: ReadonlySet<ErrorKind> = new Set(
  ERROR_KINDS.filter((kind) => !["cancelled", "method_not_allowed", "unknown_route"].includes(kind)),
);

/** Kinds that a route without a body cannot fail with. */
const NEEDS_BODY = /^(invalid_request|unsupported|too_|body_|rate_|limiter|upstream|misconfigured|overloaded|worker)/;

/** What each kind of failure means. */
const MEANINGS: Readonly<Partial<Record<ErrorKind, string>>> = {
  invalid_request: "the body is wrong; the message names the field",
  unsupported_parameter: "a parameter that is not supported",
  unauthenticated: "no key, or one that is unknown, expired or revoked",
  unknown_region: "no such region; the message lists them",
  unknown_model: "no such model here; the message lists them",
  too_large: "the body is larger than `server.max_body`",
  body_timeout: "the body took too long to arrive",
  deadline_exceeded: "the call took longer than its client allows",
  rate_limited_requests: "over the requests per minute",
  rate_limited_tokens: "over the tokens per minute",
  too_many_tokens: "the request alone is larger than the tokens per minute: it can never pass",
  limiter_unavailable: "Redis is away and the policy is `closed`",
  upstream_rejected: "the cloud refused the request, in its own words",
  upstream_rate_limited: "the cloud's own limit",
  upstream_overloaded: "the cloud is overloaded",
  upstream_failed: "the model failed",
  upstream_timeout: "the model did not answer in time",
  upstream_unreachable: "the cloud cannot be reached",
  upstream_malformed: "the cloud's answer broke off or cannot be read",
  misconfigured: "the operator has to correct the configuration, or an account at the cloud",
  overloaded: "the gateway, or the workspace, has as many calls open as it may",
  worker_lost: "a part of the gateway failed",
  draining: "the gateway is stopping or restarting",
  internal: "a fault of the gateway",
};

const REQUEST_ID = "req_01k6example";
const BOTH_WINDOWS = ["requests", "tokens"];
const ID_HEADERS = ["request-id", "x-request-id"];

const HEADERS: JsonObject = {
  "request-id": header("The id of this request in the operator's log."),
  "x-request-id": header("The same id."),
  "x-ratelimit-limit-requests": header("Requests per minute.", "60"),
  "x-ratelimit-limit-tokens": header("Tokens per minute.", "60000"),
  "x-ratelimit-remaining-requests": header("Requests that are left after this one.", "59"),
  "x-ratelimit-remaining-tokens": header("Tokens that are left after this request.", "57952"),
  "x-ratelimit-reset-requests": header("Time until all requests are available again.", "1s"),
  "x-ratelimit-reset-tokens": header("Time until all tokens are available again.", "2.048s"),
  "retry-after": header("Whole seconds after which another try may succeed; at most 59.", "12"),
  "retry-after-ms": header("The same in milliseconds.", "11200"),
};

/** `version` is that of Weir. The enums and examples are made of `offered`. */
export function openapiDocument(version: string, offered: Offered): JsonObject {
  const paths: { [path: string]: JsonObject } = {};
  const schemas: JsonObject = {};
  for (const { dialect, route } of routes) {
    const path = routeLabel(route);
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(dialect, route, offered, schemas) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Weir",
      version,
      description: "An LLM API gateway. A client changes its base URL and its key, nothing else.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [
      { url: "/", description: "This gateway." },
      { url: PUBLIC_PREFIX, description: "The same routes below the prefix of dedicated deployments." },
    ],
    tags: [
      ...[...new Set(routes.map(({ dialect }) => dialect.name))].map((name) => ({
        name: descriptions[name].title,
        description: descriptions[name].description,
      })),
      { name: "Gateway", description: "The gateway itself, without any model." },
    ],
    security: [{ bearer: [] }, { "x-api-key": [] }, { "api-key": [] }],
    paths: { ...paths, ...ownPaths() },
    components: {
      schemas,
      headers: { ...HEADERS, ...dialectHeaders() },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "`Authorization: Bearer weir_…`" },
        "x-api-key": { type: "apiKey", in: "header", name: "x-api-key" },
        "api-key": { type: "apiKey", in: "header", name: "api-key" },
      },
    },
  };
}

function operation(dialect: Dialect, route: Route, offered: Offered, schemas: JsonObject): JsonObject {
  const { title, error, operations, model } = descriptions[dialect.name];
  const described = operations[route.operation];
  if (described === undefined) throw new Error(`nothing describes ${route.operation} of ${dialect.name}`);
  const { summary, description, request } = described;
  const { model: written = model } = (request?.example ?? {}) as { model?: string };
  const shown = new Shown(offered, dialect.upstream, written);
  const path = routeLabel(route);
  schemas[error.name] = plain(error.schema);
  return {
    operationId: `${route.operation}${path.replaceAll(/[^a-z]+/gi, "_")}`.replace(/_$/, ""),
    tags: [title],
    summary,
    description,
    parameters: [...pathParameters(path, offered, shown), ...(described.parameters ?? []).map(parameter)],
    ...(request === undefined
      ? {}
      : { requestBody: { required: true, content: { [JSON_TYPE]: media(request, shown, schemas, shown.models) } } }),
    responses: { 200: answer(dialect, described, route, shown, schemas), ...failures(dialect, error.name, route.operation) },
  };
}

function answer(
  dialect: Dialect,
  { answer: body, stream }: DescribedOperation,
  route: Route,
  shown: Shown,
  schemas: JsonObject,
): JsonObject {
  return {
    description: stream === undefined ? "The answer." : "The answer; a stream where the request says `stream: true`.",
    headers: headerRefs([...ID_HEADERS, ...limitHeaders(dialect, windowsOf(route.operation))]),
    content: {
      [JSON_TYPE]: media(body, shown, schemas),
      ...(stream === undefined ? {} : { [STREAM_TYPE]: { schema: { type: "string" }, example: shown.put(stream) } }),
    },
  };
}

/** The windows that an operation takes from. */
function windowsOf(operation: Operation): readonly string[] {
  if (!isCall(operation)) return [];
  return CALLS[operation].window === "calls" ? BOTH_WINDOWS : ["requests"];
}

function limitHeaders(dialect: Dialect, windows: readonly string[]): string[] {
  const common = ["limit", "remaining", "reset"].flatMap((what) => windows.map((unit) => `x-ratelimit-${what}-${unit}`));
  return [...common, ...ownLimitHeaders(dialect, windows)];
}

/** Headers of the limits that a dialect has under its own names. */
function ownLimitHeaders({ rateLimitPrefix }: Dialect, windows: readonly string[]): string[] {
  if (rateLimitPrefix === undefined) return [];
  return windows.flatMap((unit) => ["limit", "remaining", "reset"].map((what) => `${rateLimitPrefix}-${unit}-${what}`));
}

function dialectHeaders(): JsonObject {
  const names = routes.flatMap(({ dialect }) => ownLimitHeaders(dialect, BOTH_WINDOWS));
  return Object.fromEntries(names.map((name) => [name, header("The same as `x-ratelimit-…`, but a reset is a moment (RFC 3339).")]));
}

/** The answers to failures, by status. Their examples are written by the dialect itself. */
function failures(dialect: Dialect, schemaName: string, operation: Operation): JsonObject {
  const windows = windowsOf(operation);
  const byStatus = new Map<number, ErrorKind[]>();
  for (const kind of SHOWN_KINDS) {
    if (!isCall(operation) && NEEDS_BODY.test(kind)) continue;
    const status = dialect.errorNames[kind].status ?? STATUS[kind];
    byStatus.set(status, [...(byStatus.get(status) ?? []), kind]);
  }
  const all = [...byStatus].sort(([a], [b]) => a - b);
  return Object.fromEntries(
    all.map(([status, kinds]) => [
      String(status),
      {
        description: kinds.map((kind) => sentence(MEANINGS[kind] ?? kind)).join(" "),
        headers: headerRefs([
          ...ID_HEADERS,
          ...(status === 429 ? ["retry-after", "retry-after-ms", ...limitHeaders(dialect, windows)] : []),
        ]),
        content: {
          [JSON_TYPE]: {
            schema: ref("schemas", schemaName),
            examples: Object.fromEntries(kinds.map((kind) => [kind, { value: example(dialect, kind) }])),
          },
        },
      },
    ]),
  );
}

function example(dialect: Dialect, kind: ErrorKind): Json {
  const error = new GatewayError(kind, { message: sentence(MEANINGS[kind] ?? kind) });
  return JSON.parse(dialect.errorBody(error, REQUEST_ID)) as Json;
}

/** Paths that belong to no dialect. They are described only without the prefix. */
function ownPaths(): { [path: string]: JsonObject } {
  const own = (summary: string, responses: { [status: string]: [description: string, type: string] }): JsonObject => ({
    servers: [{ url: "/" }],
    get: {
      operationId: summary.toLowerCase().replaceAll(/[^a-z]+/g, "_"),
      tags: ["Gateway"],
      summary,
      security: [],
      responses: Object.fromEntries(
        Object.entries(responses).map(([status, [description, type]]) => [status, { description, content: { [type]: { schema: {} } } }]),
      ),
    },
  });
  return {
    "/healthz": own("Is it alive", { 200: ["The gateway is alive.", "text/plain"] }),
    "/readyz": own("May it take traffic", {
      200: ["The gateway may take traffic.", JSON_TYPE],
      503: ["The gateway may not take traffic; the admin listener's `/readyz` says why.", JSON_TYPE],
    }),
    "/": own("What this is", { 200: ["JSON, or a small page for a client that asks for HTML.", JSON_TYPE] }),
    "/openapi.json": own("This document", { 200: ["OpenAPI 3.1.", JSON_TYPE] }),
    "/docs": own("This document as a page", { 200: ["HTML that loads nothing.", "text/html"] }),
  };
}

function pathParameters(path: string, { regions }: Offered, { model, models, region }: Shown): Json[] {
  const known: { [name: string]: JsonObject } = {
    region: {
      description: "Where the models run.",
      schema: { type: "string", ...(regions.length === 0 ? {} : { enum: [...regions] }) },
      example: region,
    },
    kept: { description: "The id of a response, as it was given to this workspace.", schema: { type: "string" }, example: "resp_01" },
    model: {
      description: "The name of a model in the list.",
      schema: { type: "string", ...(models.length === 0 ? {} : { examples: [...models] }) },
      example: model,
    },
  };
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({ name, in: "path", required: true, ...known[name] }));
}

function parameter({ name, in: place, description, schema }: Parameter): Json {
  return { name, in: place, description, required: place === "path", schema: plain(schema) };
}

/** `models`: names that a request may have. They are examples and not an enum, because a workspace may have other models. */
function media({ name, schema, example: value }: Body, shown: Shown, schemas: JsonObject, models: readonly string[] = []): JsonObject {
  const published = plain(schema) as { properties?: { model?: JsonObject } };
  const model = published.properties?.model;
  if (model !== undefined && models.length > 0) model.examples = [...models];
  schemas[name] = published as JsonObject;
  return { schema: ref("schemas", name), example: shown.put(value) as Json };
}

function header(description: string, value?: string): JsonObject {
  return { description, schema: { type: "string" }, ...(value === undefined ? {} : { example: value }) };
}

function headerRefs(names: string[]): JsonObject {
  return Object.fromEntries(names.map((name) => [name, ref("headers", name)]));
}

function ref(kind: "schemas" | "headers", name: string): JsonObject {
  return { $ref: `#/components/${kind}/${name}` };
}

/** A schema without the symbols that TypeBox adds to it. */
function plain(schema: unknown): Json {
  return JSON.parse(JSON.stringify(schema)) as Json;
}

function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
