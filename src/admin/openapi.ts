/** The description of the admin listener, made of its routes and of the schemas that check its requests. */

import { LARGEST_PAGE } from "../contract/paging.ts";
import type { Json, JsonObject } from "../openapi/openapi.ts";
import type { Checked } from "./checked.ts";
import { USUAL_LIMIT } from "./paging.ts";
import { REFUSALS, type RefusalKind } from "./refusal.ts";
import type { AdminRoute } from "./route.ts";
import { refusalBody } from "./schemas.ts";

const JSON_TYPE = "application/json";

const MEANINGS: Readonly<Record<RefusalKind, string>> = {
  invalid: "A field is wrong or not known; the message names it.",
  unauthenticated: "No admin token, or a wrong one.",
  unknown: "There is no such workspace, key or path.",
  method_not_allowed: "The path has other methods.",
  exists: "There is one of this name already.",
  read_only: "The configuration file has it; change it there.",
  replaced: "Another key has replaced this one already.",
  too_large: "The body is larger than 64 KiB.",
  misdirected: "The Host header has a name that the listener is not known by; see `admin.hosts`.",
  slowed: "Too many wrong tokens came from this address; `retry-after` has the seconds to wait.",
  internal: "A fault of the gateway.",
  unavailable: "The store cannot be reached; nothing has been changed.",
};

const TAGS: Readonly<Record<AdminRoute["tag"], string>> = {
  Workspaces: "Holders of keys and limits. Those of the configuration file are read-only here.",
  Keys: "The keys of clients. A key is shown once, when it is made; its SHA-256 is kept.",
  Gateway: "The process itself.",
};

/** The variables in paths. */
const VARIABLES: Readonly<Record<string, { description: string; example: string }>> = {
  workspace: { description: "The name of a workspace.", example: "research" },
  key: { description: "The id of a key.", example: "key_9f86d081884c7d65" },
};

/** @param version - that of Weir */
export function adminDocument(routes: readonly AdminRoute[], version: string): JsonObject {
  const paths: { [path: string]: JsonObject } = {};
  const schemas: JsonObject = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route, schemas) };
  return {
    openapi: "3.1.1",
    info: {
      title: "Weir, admin listener",
      version,
      description: "Workspaces, keys and usage of an LLM API gateway.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/", description: "The admin listener." }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    security: [{ token: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "`Authorization: Bearer <admin token>`" } },
    },
  };
}

function operation(route: AdminRoute, schemas: JsonObject): JsonObject {
  const { operation: operationId, tag, summary, description, body, answer, open } = route;
  const type = answer.type ?? JSON_TYPE;
  const content = answer.body !== undefined ? media(answer.body, schemas) : answer.type === undefined ? undefined : { schema: {} };
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(open === true ? { security: [] } : {}),
    parameters: [...variables(route.path), ...(route.paged === true ? paging() : [])],
    ...(body === undefined ? {} : { requestBody: { required: true, content: { [JSON_TYPE]: media(body, schemas) } } }),
    responses: {
      [answer.status]: { description: answer.description, ...(content === undefined ? {} : { content: { [type]: content } }) },
      ...refusals(route, schemas),
    },
  };
}

function refusals({ refusals: own, open }: AdminRoute, schemas: JsonObject): JsonObject {
  const kinds: RefusalKind[] = [...(open === true ? [] : (["unauthenticated", "slowed"] as const)), ...own, "misdirected", "internal"];
  const byStatus = Map.groupBy(kinds, (kind) => REFUSALS[kind]);
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [
      String(status),
      {
        description: all.map((kind) => MEANINGS[kind]).join(" "),
        content: {
          [JSON_TYPE]: {
            schema: media(refusalBody, schemas).schema ?? {},
            examples: Object.fromEntries(all.map((kind) => [kind, { value: { error: { message: MEANINGS[kind], kind } } }])),
          },
        },
      },
    ]),
  );
}

function variables(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
    ...VARIABLES[name],
  }));
}

function paging(): Json[] {
  return [
    {
      name: "limit",
      in: "query",
      required: false,
      description: "The most entries on the page.",
      schema: { type: "integer", minimum: 1, maximum: LARGEST_PAGE, default: USUAL_LIMIT },
    },
    { name: "after_id", in: "query", required: false, description: "The `last_id` of the page before.", schema: { type: "string" } },
  ];
}

function media({ name, schema, example }: Checked, schemas: JsonObject): JsonObject {
  // Without the symbols that TypeBox adds.
  schemas[name] = JSON.parse(JSON.stringify(schema)) as Json;
  return { schema: { $ref: `#/components/schemas/${name}` }, example: example as Json };
}
