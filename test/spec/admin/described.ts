import { expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import type { AdminWorld } from "./world.ts";

interface Media {
  schema?: { $ref?: string };
  example?: unknown;
  examples?: Record<string, { value: unknown }>;
}
interface Operation {
  operationId: string;
  security?: unknown[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content?: Record<string, Media> }>;
}
type Paths = Record<string, Record<string, Operation>>;

export function specifyDescription(world: AdminWorld): void {
  const read = async () => (await world.admin("GET", "/admin/openapi.json", undefined, null)).json;

  test("/admin/openapi.json is a valid OpenAPI 3.1 document whose examples fit its schemas", async () => {
    const document = await read();
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "weir", ...document });
    let checked = 0;
    const operations = Object.values(document.paths as Paths).flatMap((item) => Object.values(item));
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    for (const { requestBody, responses } of operations) {
      const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
      for (const { schema, example, examples = {} } of contents.flatMap((content) => Object.values(content ?? {}))) {
        for (const value of [example, ...Object.values(examples).map((one) => one.value)]) {
          if (value === undefined || schema?.$ref === undefined) continue;
          checked += 1;
          const validate = ajv.compile({ $ref: `weir${schema.$ref}` });
          expect({ value, valid: validate(value), errors: validate.errors }).toEqual({ value, valid: true, errors: null });
        }
      }
    }
    expect(checked).toBeGreaterThan(30);
  });

  test("what is answered fits the document", async () => {
    const document = await read();
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "weir", ...document });
    const fits = async (method: string, path: string, template: string, body?: unknown) => {
      const answered = await world.admin(method, path, body);
      const ref = (document.paths as Paths)[template]?.[method.toLowerCase()]?.responses[answered.status]?.content?.["application/json"]
        ?.schema?.$ref;
      expect([method, path, answered.status, ref === undefined]).toEqual([method, path, answered.status, false]);
      const validate = ajv.compile({ $ref: `weir${ref}` });
      expect([answered.json, validate(answered.json), validate.errors]).toEqual([answered.json, true, null]);
      return answered.json;
    };
    const all = "/admin/v1/workspaces";
    await fits("POST", all, all, { name: "described", limits: { tpm: 5 } });
    await fits("GET", all, all);
    await fits("GET", `${all}/described`, `${all}/{workspace}`);
    await fits("PUT", `${all}/described`, `${all}/{workspace}`, {});
    const { id } = await fits("POST", `${all}/described/keys`, `${all}/{workspace}/keys`, { name: "a" });
    await fits("GET", `${all}/described/keys`, `${all}/{workspace}/keys`);
    await fits("POST", `/admin/v1/keys/${id}/rotate`, "/admin/v1/keys/{key}/rotate", { grace: "1h" });
    await fits("GET", `${all}/described/usage`, `${all}/{workspace}/usage`);
    await fits("GET", `${all}/nobody`, `${all}/{workspace}`);
    await fits("DELETE", `${all}/acme`, `${all}/{workspace}`);
  });

  test("the page shows every route and loads nothing", async () => {
    const { paths } = await read();
    const { text } = await world.admin("GET", "/admin/docs", undefined, null);
    expect(text).not.toMatch(/<(?:script|link|img|iframe|object|embed)\b|\bsrc=|@import|url\(/i);
    for (const path of Object.keys(paths)) expect(text).toContain(path);
    expect(text).toContain(`export WEIR_ADMIN_URL=${world.weir.adminUrl}\n`);
    expect(text).toContain("curl -X DELETE &quot;$WEIR_ADMIN_URL/admin/v1/keys/key_9f86d081884c7d65&quot;");
  });
}
