/** Tokens of Entra ID: how a client gets them, what they open, and when they expire. */
import { afterAll, describe, expect, test } from "bun:test";
import { isObject } from "../../../../src/contract/objects.ts";
import { type JsonObject, text } from "../../../../src/sandbox/json.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { exchange } from "../../../support/exchange.ts";

let now = Date.UTC(2026, 10, 1);
const sandbox = await startSandbox({ now: () => now });
afterAll(() => sandbox.close());

const { tenantId, clientId, clientSecret, assertions, tokenLifetimeSeconds } = sandbox.credentials.entra;
const BY_SECRET = {
  grant_type: "client_credentials",
  client_id: clientId,
  client_secret: clientSecret,
  scope: "https://ai.azure.com/.default",
};
const BY_ASSERTION = {
  grant_type: "client_credentials",
  client_id: clientId,
  client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
  client_assertion: assertions[0] ?? "",
  scope: "https://cognitiveservices.azure.com/.default",
};

async function token(form: Record<string, string>, tenant = tenantId, method = "POST"): Promise<{ status: number; json: JsonObject }> {
  const asked = exchange({
    url: sandbox.authority.url,
    path: `/${tenant}/oauth2/v2.0/token`,
    method,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  });
  await asked.over;
  const json: unknown = JSON.parse(asked.received().body.toString());
  return { status: asked.received().status, json: isObject(json) ? json : {} };
}

async function statusWith(bearer: string): Promise<number> {
  const asked = exchange({
    url: sandbox.azure.url,
    path: "/openai/v1/chat/completions",
    headers: { authorization: `Bearer ${bearer}` },
    body: JSON.stringify({ model: "gpt-4o", messages: [{ role: "user", content: "Hello!" }] }),
  });
  await asked.over;
  return asked.received().status;
}

for (const [how, form] of Object.entries({ "a client secret": BY_SECRET, "a workload's assertion": BY_ASSERTION })) {
  test(`a token by ${how} opens Azure until it expires`, async () => {
    const { status, json } = await token(form);
    expect([status, json.token_type, json.expires_in]).toEqual([200, "Bearer", tokenLifetimeSeconds]);
    const bearer = text(json.access_token);
    expect(await statusWith(bearer)).toBe(200);
    now += tokenLifetimeSeconds * 1_000 - 1;
    expect(await statusWith(bearer)).toBe(200);
    now += 1;
    expect(await statusWith(bearer)).toBe(401);
  });
}

test("a made-up token opens nothing", async () => {
  expect(await statusWith("eyJ.made-up")).toBe(401);
});

test("every token is different, and requests for tokens are not counted as calls", async () => {
  sandbox.calls.reset();
  const [one, two] = [await token(BY_SECRET), await token(BY_SECRET)];
  expect(one.json.access_token).not.toBe(two.json.access_token);
  expect(sandbox.calls.counts).toMatchObject({ tokenRequests: 2, opened: 0 });
});

describe("refused", () => {
  const REFUSED: [what: string, form: Record<string, string>, status: number, error: string, tenant?: string, method?: string][] = [
    ["a wrong secret", { ...BY_SECRET, client_secret: "wrong" }, 401, "invalid_client"],
    ["a wrong assertion", { ...BY_ASSERTION, client_assertion: "wrong" }, 401, "invalid_client"],
    ["an assertion of another type", { ...BY_ASSERTION, client_assertion_type: "saml" }, 401, "invalid_client"],
    ["a wrong assertion beside a right secret", { ...BY_SECRET, ...BY_ASSERTION, client_assertion: "wrong" }, 401, "invalid_client"],
    ["a wrong scope", { ...BY_SECRET, scope: "https://graph.microsoft.com/.default" }, 400, "invalid_scope"],
    ["an unknown application", { ...BY_SECRET, client_id: "wrong" }, 400, "unauthorized_client"],
    ["another grant", { ...BY_SECRET, grant_type: "password" }, 400, "unsupported_grant_type"],
    ["an unknown tenant", BY_SECRET, 400, "invalid_request", "00000000-0000-0000-0000-000000000000"],
    ["a tenant that cannot be decoded", BY_SECRET, 400, "invalid_request", "%zz"],
    ["another method", BY_SECRET, 400, "invalid_request", tenantId, "PUT"],
    ["an empty form", {}, 400, "unsupported_grant_type"],
  ];
  for (const [what, form, status, error, tenant, method] of REFUSED) {
    test(what, async () => {
      const refused = await token(form, tenant, method);
      expect([refused.status, refused.json.error]).toEqual([status, error]);
      expect(refused.json).not.toHaveProperty("access_token");
      expect(text(refused.json.error_description)).toMatch(/^AADSTS\d+: /);
    });
  }
});
