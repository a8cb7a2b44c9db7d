/** What Weir says of itself: the OpenAPI document, the page made of it, and the questions that agents ask before they start. */
import { describe, expect } from "bun:test";
import { createHash } from "node:crypto";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import { routeLabel, routes } from "../../src/request/routes.ts";
import { startWeir } from "../support/weir.ts";
import type { Answered } from "./client.ts";
import { KEY, type World } from "./world.ts";

interface Media {
  schema?: { $ref?: string };
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  parameters?: { name: string; in: string; example?: string; schema: { enum?: string[]; examples?: string[] } }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content: Record<string, Media>; headers?: object }>;
}
interface Document {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: Record<string, { examples?: string[] }> }> };
  servers: { url: string }[];
}

const OWN_TARGET = { upstream: "own", model: "anthropic.claude-3-haiku-20240307-v1:0" };

/** None of them is a host; each says what it would like to be repeated. */
const HOSTILE_HOSTS = [
  '"><script>evil</script>',
  "evil'onmouseover=x",
  "evil.example/path",
  "evil@example.com",
  "evil$(id)",
  "evil`id`",
  "evil\\",
  "[::1]evil",
  "evil:port",
  `evil${"a".repeat(300)}`,
];

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
        const weir = await startWeir({ runtime: world.runtime, environment: { PORT: "0", ADMIN_PORT: "0" } });
        try {
          await weir.logged((line) => line.sandbox === true);
          const document: Document = JSON.parse((await world.call({ method: "GET", path: "/openapi.json" }, weir).answered).text);
          const ajv = new Ajv2020({ strict: false, validateFormats: false });
          ajv.addSchema({ $id: "weir", ...document });
          const key = /weir_demo[\w-]+/.exec(weir.output())?.[0] ?? "";
          const operations = Object.entries(document.paths).flatMap(([path, item]) =>
            Object.entries(item).flatMap(([method, operation]) => (["get", "post"].includes(method) ? [{ path, method, operation }] : [])),
          );
          expect(operations.length).toBeGreaterThan(routes.length);
          const run = async ({ path, method, operation }: (typeof operations)[number]) => {
            const examples = Object.fromEntries((operation.parameters ?? []).map(({ name, example = "" }) => [name, example]));
            const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => examples[name] ?? "");
            const example = operation.requestBody?.content["application/json"]?.example;
            const body = example === undefined ? {} : { body: JSON.stringify(example) };
            const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
            const {
              status,
              text,
              headers: received,
            } = await world.call({ method: method.toUpperCase(), path: filled, headers, ...body }, weir).answered;
            if (path.includes("{kept}")) {
              // An answer belongs to the workspace that made it, and here none is kept.
              expect([path, status, text]).toEqual([path, 404, expect.stringContaining("Nothing is stored here")]);
              return;
            }
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

    world.sentence(
      "regions are an enum, and models examples, of what this configuration shares; what a workspace brings is not among them",
      async () => {
        const config = world.configuration();
        const shared = (config.upstreams as Record<string, object>)["bedrock-us"];
        const upstreams = { own: { ...shared, region: "ap", aws_region: "ap-southeast-2" } };
        const workspaces = {
          ...(config.workspaces as object),
          own: { upstreams, models: { secretive: { targets: [OWN_TARGET] } }, keys: [] },
        };
        const weir = await world.another({ config: { ...config, workspaces } });
        const { text } = await world.call({ method: "GET", path: "/openapi.json" }, weir).answered;
        const document: Document = JSON.parse(text);
        const names = Object.keys(config.models as object);
        const [region, model] = document.paths["/openai/{region}/v1/models/{model}"]?.get?.parameters ?? [];
        expect([region?.schema.enum, region?.example]).toEqual([["ap", "eu", "us"], "eu"]);
        expect(model?.schema.examples).toEqual(names.filter((name) => name.startsWith("gpt")));
        const asked = (schema: string) => document.components.schemas[schema]?.properties?.model?.examples;
        expect(asked("AnthropicMessagesRequest")).toEqual(names.filter((name) => name.startsWith("claude")));
        expect(asked("OpenAIEmbeddingsRequest")).toEqual(names.filter((name) => name.startsWith("embedding")));
        expect(asked("OpenAIChatCompletion")).toBeUndefined();
        const page = (await world.call({ method: "GET", path: "/docs" }, weir).answered).text;
        for (const name of names) expect(page).toContain(`<td><code>${name}</code></td>`);
        for (const written of ["secretive", "claude-sonnet-5", "gpt-5.5&quot;"])
          expect(page.includes(written) || text.includes(written)).toBe(false);
      },
    );

    world.sentence("/docs and / speak of the address that was asked for, by name or through a proxy", async () => {
      const asked: [path: string, headers: Record<string, string>, address: string][] = [
        ["", { host: "gw" }, "http://gw"],
        ["", { host: "weir.internal:8080" }, "http://weir.internal:8080"],
        ["", { host: "[::1]:8080", "x-forwarded-proto": "https" }, "https://[::1]:8080"],
        [
          "/api/public",
          { host: "inside", "x-forwarded-host": "llm.example.org, inner", "x-forwarded-proto": "https, http" },
          "https://llm.example.org",
        ],
      ];
      for (const [prefix, headers, address] of asked) {
        const page = await world.call({ method: "GET", path: `${prefix}/docs`, headers }).answered;
        expect(page.text).toContain(`curl &quot;${address}${prefix}/anthropic/eu/v1/messages&quot;`);
        expect(page.text).toContain(`curl &quot;${address}/healthz&quot;`);
        const door = JSON.parse((await world.call({ method: "GET", path: `${prefix}/`, headers }).answered).text);
        expect([door.docs, door.openapi]).toEqual([`${address}${prefix}/docs`, `${address}${prefix}/openapi.json`]);
      }
    });

    world.sentence("a host that is not the form of one is not repeated, and no cache keeps a page with another's", async () => {
      for (const host of HOSTILE_HOSTS) {
        for (const path of ["/docs", "/"]) {
          const { text, headers } = await world.call({ method: "GET", path, headers: { "x-forwarded-host": host } }).answered;
          expect([host, text.includes("https://weir.example.com")]).toEqual([host, true]);
          expect([host, text.includes("evil")]).toEqual([host, false]);
          expect(headers.get("cache-control")).toBe("no-store");
        }
      }
    });

    world.sentence("a client that has openapi.json already asks whether it has changed, and gets an answer without a body", async () => {
      const { headers, text } = await world.get("/openapi.json", null);
      const tag = headers.get("etag") ?? "";
      expect([/^"[\w-]{22}"$/.test(tag), headers.get("cache-control"), text.length > 10_000]).toEqual([true, "no-cache", true]);
      for (const sent of [tag, `W/${tag}`, `"another", ${tag}`, "*"]) {
        const kept = await world.call({ method: "GET", path: "/openapi.json", headers: { "if-none-match": sent } }).answered;
        expect([sent, kept.status, kept.text, kept.headers.get("etag")]).toEqual([sent, 304, "", tag]);
      }
      const other = await world.call({ method: "GET", path: "/openapi.json", headers: { "if-none-match": '"another"' } }).answered;
      expect([other.status, other.text]).toEqual([200, text]);
    });

    world.sentence("GET / tells a developer where to read on: JSON, or a small page for a browser", async () => {
      const told = JSON.parse((await world.get("/", null)).text);
      expect(told).toMatchObject({ name: "Weir", docs: "http://weir.test/docs", openapi: "http://weir.test/openapi.json" });
      for (const prefix of ["", "/api/public"]) {
        const page = await world.call({ method: "GET", path: `${prefix}/`, headers: { accept: "text/html,*/*;q=0.8" } }).answered;
        expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
        const links = [...page.text.matchAll(/href="([^"]+)"/g)].map(([, link = ""]) => link);
        expect(links).toEqual([`${prefix}/docs`, `${prefix}/openapi.json`]);
        for (const link of links) expect((await world.get(link, null)).status).toBe(200);
      }
    });

    world.sentence("/docs is a page that loads nothing, runs nothing and shows every route", async () => {
      const answered = await world.get("/docs", null);
      expect([answered.status, answered.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
      const style = /<style>([\s\S]*)<\/style>/.exec(answered.text)?.[1] ?? "";
      const digest = createHash("sha256").update(style).digest("base64");
      const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`;
      expect(answered.text).toContain(`http-equiv="content-security-policy" content="${policy}"`);
      expect(answered.headers.get("content-security-policy")).toBe(`${policy}; frame-ancestors 'none'`);
      expect(answered.text).not.toMatch(/\bstyle=|\bon[a-z]+=/);
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

  world.sentence("HEAD of what GET gives has its status and its headers, and no body", async () => {
    for (const path of [
      "/openai/eu/v1/models",
      "/openai/eu/v1/models/gpt",
      "/anthropic/eu/v1/models",
      "//anthropic/eu/v1/models/claude/",
      "/healthz",
      "/docs",
    ]) {
      for (const key of [KEY, "weir_nobody"]) {
        const headers = { authorization: `Bearer ${key}` };
        const [head, get] = await Promise.all(["HEAD", "GET"].map((method) => world.call({ method, path, headers }).answered));
        const type = (answered?: Answered) => answered?.headers.get("content-type");
        expect([path, head?.status, type(head), head?.text]).toEqual([path, get?.status, type(get), ""]);
      }
    }
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
