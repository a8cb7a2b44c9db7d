/** What Weir says of itself: the OpenAPI document, the page made of it, and the questions that agents ask before they start (wire §3.8). */
import { describe, expect } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { routeLabel, routes } from "../../src/routes.ts";
import { startWeir } from "../harness/weir.ts";
import type { World } from "./world.ts";

interface Media {
  schema?: { $ref?: string };
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; example?: string }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content: Record<string, Media>; headers?: object }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
  servers: { url: string }[];
}

const KINDS = ["application/json", "text/event-stream"];

export function specifyPublished(world: World): void {
  describe("the description", () => {
    const read = async (): Promise<Document> => JSON.parse((await world.get("/openapi.json", null)).text);

    world.sentence("/openapi.json is served without a key and is a valid OpenAPI 3.1 document that has every route", async () => {
      const answered = await world.get("/openapi.json", null);
      expect([answered.status, answered.headers.get("content-type")]).toEqual([200, "application/json"]);
      const document: Document = JSON.parse(answered.text);
      const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
      expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
      for (const { route } of routes) expect(document.paths[routeLabel(route)]).toHaveProperty(route.method.toLowerCase());
      expect(document.servers.map(({ url }) => url)).toEqual(["/", "/api/public"]);
      const ids = Object.values(document.paths).flatMap((item) => Object.values(item).flatMap(({ operationId }) => operationId ?? []));
      expect(new Set(ids).size).toBe(ids.length);
      expect((await world.get("/api/public/openapi.json", null)).text).toBe(answered.text);
    });

    world.sentence("its examples fit its schemas, as a validator sees them that is not ours", async () => {
      const document = await read();
      const ajv = new Ajv2020({ strict: false, validateFormats: false });
      ajv.addSchema({ $id: "weir", ...document });
      let checked = 0;
      const check = ({ schema, example, examples = {} }: Media) => {
        for (const value of [example, ...Object.values(examples).map((one) => one.value)]) {
          if (value === undefined || schema?.$ref === undefined) continue;
          checked += 1;
          const validate = ajv.compile({ $ref: `weir${schema.$ref}` });
          expect({ ref: schema.$ref, value, valid: validate(value), errors: validate.errors }).toEqual({
            ref: schema.$ref,
            value,
            valid: true,
            errors: null,
          });
        }
      };
      for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
        for (const media of Object.values(operation.requestBody?.content ?? {})) check(media);
        for (const { content } of Object.values(operation.responses ?? {})) for (const media of Object.values(content)) check(media);
      }
      expect(checked).toBeGreaterThan(100);
    });

    world.sentence(
      "its examples run against the sandbox, and what comes back fits its schemas",
      async () => {
        const document = await read();
        const ajv = new Ajv2020({ strict: false, validateFormats: false });
        ajv.addSchema({ $id: "weir", ...document });
        const weir = await startWeir({ runtime: world.runtime, environment: { PORT: "0", ADMIN_PORT: "0" } });
        try {
          await weir.logged((line) => line.sandbox === true);
          const key = /weir_demo[\w-]+/.exec(weir.output())?.[0] ?? "";
          const operations = Object.entries(document.paths).flatMap(([path, item]) =>
            Object.entries(item).flatMap(([method, operation]) => (["get", "post"].includes(method) ? [{ path, method, operation }] : [])),
          );
          expect(operations.length).toBeGreaterThan(routes.length);
          const run = async ({ path, method, operation }: (typeof operations)[number]) => {
            const model = path.startsWith("/openai") ? "gpt-4o" : "claude-sonnet-4-5";
            const filled = path.replace("{region}", "eu").replace("{model}", model);
            const example = operation.requestBody?.content["application/json"]?.example;
            const body = example === undefined ? {} : { body: JSON.stringify(example) };
            const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
            const {
              status,
              text,
              headers: received,
            } = await world.call({ method: method.toUpperCase(), path: filled, headers, ...body }, weir).answered;
            expect([path, status, status === 200 ? "" : text]).toEqual([path, 200, ""]);
            for (const name of Object.keys(operation.responses["200"]?.headers ?? {}))
              expect([path, name, received.has(name)]).toEqual([path, name, true]);
            const ref = operation.responses["200"]?.content["application/json"]?.schema?.$ref;
            if (ref === undefined) return;
            const validate = ajv.compile({ $ref: `weir${ref}` });
            expect([path, validate(JSON.parse(text)), validate.errors]).toEqual([path, true, null]);
          };
          await Promise.all(operations.map(run));
        } finally {
          // Its grace of five seconds is not what is looked at.
          weir.child.kill("SIGKILL");
        }
      },
      30_000,
    );

    world.sentence("/docs is a page that loads nothing, runs nothing and shows every route", async () => {
      const answered = await world.get("/docs", null);
      expect([answered.status, answered.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      expect(answered.text).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
      expect(answered.text).not.toMatch(/<(?:script|link|img|iframe|object|embed)\b|\bsrc=|@import|url\(/i);
      for (const { route } of routes) expect(answered.text).toContain(routeLabel(route));
      for (const kind of KINDS) expect(answered.text).toContain(kind);
    });
  });

  world.sentence("an agent's probe is answered at once and without a key; nothing else is", async () => {
    for (const path of ["/api/hello", "/", "/anthropic/eu/api/hello"]) {
      const answered = await world.call({ method: "HEAD", path, headers: {} }).answered;
      expect([path, answered.status]).toEqual([path, 200]);
    }
    expect((await world.call({ method: "HEAD", path: "/anthropic/eu/v1/messages", headers: {} }).answered).status).toBe(405);
    expect((await world.call({ method: "HEAD", path: "/nowhere", headers: {} }).answered).status).toBe(404);
  });

  world.sentence("a thousand models can be asked for at once, and smaller pages lead to each other", async () => {
    const all = JSON.parse((await world.get("/anthropic/eu/v1/models?limit=1000")).text);
    const ids = all.data.map(({ id }: { id: string }) => id);
    expect(all).toMatchObject({ has_more: false, first_id: ids[0], last_id: ids.at(-1) });
    const seen: string[] = [];
    for (let after = ""; ; after = `&after_id=${seen.at(-1)}`) {
      const page = JSON.parse((await world.get(`/api/anthropic/v1/models?limit=2${after}`)).text);
      expect([page.first_id, page.last_id]).toEqual([page.data.at(0).id, page.data.at(-1).id]);
      seen.push(...page.data.map(({ id }: { id: string }) => id));
      if (!page.has_more) break;
    }
    expect(seen).toEqual(ids);
    const before = JSON.parse((await world.get(`/anthropic/eu/v1/models?limit=1&before_id=${ids.at(-1)}`)).text);
    expect(before).toMatchObject({ data: [{ id: ids.at(-2) }], has_more: true });
    for (const query of ["limit=0", "limit=1001", "limit=x", "after_id=nobody"]) {
      const refused = await world.get(`/anthropic/eu/v1/models?${query}`);
      expect(refused.status).toBe(400);
      expect(JSON.parse(refused.text).error).toMatchObject({ type: "invalid_request_error" });
    }
    const plain = JSON.parse((await world.get("/openai/eu/v1/models?limit=1")).text);
    expect(plain.data.length).toBeGreaterThan(1);
  });
}
