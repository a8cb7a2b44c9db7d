import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asGatewayError } from "../../../../../src/contract/errors.ts";
import type { AzureSettings } from "../../../../../src/providers/azure/settings.ts";
import { openAzure } from "../../../../../workers/providers/azure/azure.ts";
import type { Adapter } from "../../../../../workers/providers/provider.ts";
import { eventually } from "../../../../support/waits.ts";
import { headersOf, job, serving, upstream } from "../upstream.ts";

const SCOPE = "https://ai.azure.com/.default";
const KEY: AzureSettings["credentials"] = { kind: "key", apiKey: "azure-key" };
const MESSAGES = '"messages":[{"role":"user","content":"x"}]';

function open(settings: Partial<AzureSettings> = {}, nowMs?: () => number): Adapter {
  return openAzure(
    upstream("azure", {
      endpoint: "https://acme.openai.azure.com",
      api: "v1",
      allowStore: false,
      credentials: KEY,
      scope: SCOPE,
      ...settings,
    }),
    nowMs,
  );
}

async function bodyOf(body: string, stream = false): Promise<string> {
  return (await open().request(job({ body, stream, upstreamModel: "prod" }))).body;
}

async function authorization(adapter: Adapter): Promise<string | undefined> {
  return headersOf((await adapter.request(job())).headers).authorization;
}

test("v1 names the deployment in the body, a dated version in the path", async () => {
  const v1 = await open().request(job({ upstreamModel: "prod" }));
  expect(v1.path).toBe("/openai/v1/chat/completions");
  expect(JSON.parse(v1.body).model).toBe("prod");
  expect(headersOf(v1.headers)).toMatchObject({
    host: "acme.openai.azure.com",
    "api-key": "azure-key",
    "content-type": "application/json",
  });
  const dated = await open({ api: "2024-10-21" }).request(job({ upstreamModel: "my prod/1" }));
  expect(dated.path).toBe("/openai/deployments/my%20prod%2F1/chat/completions?api-version=2024-10-21");
});

test("usage is asked for on every stream, beside what the client asked for", async () => {
  expect(await bodyOf(`{"model":"m",${MESSAGES},"big":12345678901234567890}`, true)).toBe(
    `{"model":"prod",${MESSAGES},"big":12345678901234567890,"stream_options":{"include_usage":true}}`,
  );
  expect(JSON.parse(await bodyOf(`{"model":"m","stream_options":{"include_usage":false,"x":1}}`, true)).stream_options).toEqual({
    include_usage: true,
    x: 1,
  });
  expect(JSON.parse(await bodyOf(`{"model":"m","stream_options":null}`, true)).stream_options).toEqual({ include_usage: true });
});

test("without a stream its options are removed; -1 for top_p is always removed", async () => {
  expect(await bodyOf(`{"model":"m","stream_options":{"include_usage":true},"top_p":-1,${MESSAGES}}`)).toBe(`{"model":"prod",${MESSAGES}}`);
});

test("the usage chunk is shown to a client that asked for it", async () => {
  const usage = Buffer.from('data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n');
  for (const [options, shown] of [
    ['{"include_usage" : true}', true],
    ['{"include_usage":false}', false],
    ["null", false],
  ] as const) {
    const reader = open().reader(job({ stream: true, body: `{"stream_options":${options}}` }), new Map());
    expect(reader.push(usage) !== "").toBe(shown);
  }
});

// Source: learn.microsoft.com, "Troubleshoot common HTTP errors for Azure OpenAI".
test.each([
  [401, "misconfigured"],
  [403, "misconfigured"],
  [404, "misconfigured"],
  [408, "upstream_timeout"],
  [429, "upstream_rate_limited"],
  [500, "upstream_failed"],
  [503, "upstream_overloaded"],
  [504, "upstream_timeout"],
  [409, "upstream_rejected"],
  [422, "upstream_rejected"],
] as const)("status %d is %s", (status, kind) => {
  for (const body of ['{"error":{"code":"x","message":"words"}}', '{"statusCode":1,"message":"words"}', "<html>", ""]) {
    const error = open().failure(job(), status, new Map(), body);
    expect(error.kind).toBe(kind);
    if (kind === "misconfigured") expect(error.message).not.toContain("words");
    if (kind === "upstream_rejected") expect(error.detail.status).toBe(status);
  }
});

test("a blocked prompt keeps Azure's error object", () => {
  const object =
    '{"message":"Blocked: Größe","type":null,"param":"prompt","code":"content_filter","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}';
  const body = Buffer.from(`{"error":${object}}`).toString("latin1");
  const { kind, message, detail } = open().failure(job(), 400, new Map(), body);
  expect({ kind, message, code: detail.code, param: detail.param }).toEqual({
    kind: "upstream_rejected",
    message: "Blocked: Größe",
    code: "content_filter",
    param: "prompt",
  });
  expect(Buffer.from(detail.body ?? "", "latin1").toString("utf8")).toBe(object);
  expect(detail.log).not.toContain("Größe");
});

test.each([
  [{ "retry-after-ms": "1500", "retry-after": "20" }, "", 1_500],
  [{ "retry-after": "20" }, "", 20_000],
  [{ "retry-after": "86400" }, "", 59_000],
  [{}, "Please retry after 26 seconds. Go here.", 26_000],
  [{}, "Please try again in 174ms.", 174],
])("the client waits as long as Azure says, at most 59 s: %j %s", (headers, message, retryAfterMs) => {
  const error = open().failure(job(), 429, new Map(Object.entries(headers)), JSON.stringify({ error: { code: "429", message } }));
  expect(error.detail.retryAfterMs).toBe(retryAfterMs);
});

test("without a hint the client waits a few seconds", () => {
  expect(open().failure(job(), 429, new Map(), "").detail.retryAfterMs).toBeWithin(1_000, 59_001);
});

const SECRET = (authority: string) => ({
  kind: "client_secret" as const,
  tenantId: "tenant",
  clientId: "client",
  clientSecret: "hush",
  authority,
});

test("a token is asked for once, and renewed at four fifths of its life", async () => {
  let asked = 0;
  let nowMs = 1_000_000;
  const forms: string[] = [];
  const answer = async (request: Request) => {
    forms.push(`${new URL(request.url).pathname}?${await request.text()}`);
    return Response.json({ token_type: "Bearer", expires_in: 3600, access_token: `token-${++asked}` });
  };
  await serving(answer, async (url) => {
    const adapter = open({ credentials: SECRET(url) }, () => nowMs);
    expect(await Promise.all([authorization(adapter), authorization(adapter)])).toEqual(["Bearer token-1", "Bearer token-1"]);
    expect(new URL(forms[0] ?? "", url).pathname).toBe("/tenant/oauth2/v2.0/token");
    expect(Object.fromEntries(new URL(forms[0] ?? "", url).searchParams)).toEqual({
      grant_type: "client_credentials",
      client_id: "client",
      client_secret: "hush",
      scope: SCOPE,
    });
    nowMs += 2_879_000;
    expect(await authorization(adapter)).toBe("Bearer token-1");
    expect(asked).toBe(1);
    nowMs += 1_000;
    expect(await authorization(adapter)).toBe("Bearer token-1");
    await eventually(async () => (await authorization(adapter)) === "Bearer token-2", "the next token");
    expect(asked).toBe(2);
  });
});

test("a token is used while its renewal fails, until it expires", async () => {
  let failing = false;
  let nowMs = 0;
  const answer = () =>
    failing
      ? Response.json(
          { error: "invalid_client", error_description: "AADSTS7000215: Invalid client secret.\r\nTrace ID: 1" },
          { status: 401 },
        )
      : Response.json({ expires_in: 100, access_token: "token" });
  await serving(answer, async (url) => {
    const adapter = open({ credentials: SECRET(url) }, () => nowMs);
    expect(await authorization(adapter)).toBe("Bearer token");
    failing = true;
    nowMs = 99_999;
    expect(await authorization(adapter)).toBe("Bearer token");
    nowMs = 100_000;
    const error = asGatewayError(await authorization(adapter).catch((thrown: unknown) => thrown));
    expect(error.kind).toBe("misconfigured");
    expect(error.detail.log).toContain("AADSTS7000215: Invalid client secret.");
    expect(error.detail.log).toContain('upstream "azure-eu"');
    expect(JSON.stringify(error.detail)).not.toContain("hush");
  });
});

test("a workload's token file is read again at each renewal", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weir-azure-"));
  const tokenFile = join(folder, "token");
  const assertions: (string | null)[] = [];
  let nowMs = 0;
  const answer = async (request: Request) => {
    assertions.push(new URLSearchParams(await request.text()).get("client_assertion"));
    return Response.json({ expires_in: 100, access_token: `token-${assertions.length}` });
  };
  try {
    await serving(answer, async (authority) => {
      writeFileSync(tokenFile, "first\n");
      const credentials = { kind: "workload_identity" as const, tenantId: "t", clientId: "c", tokenFile, authority };
      const adapter = open({ credentials }, () => nowMs);
      await authorization(adapter);
      writeFileSync(tokenFile, "second\n");
      nowMs = 100_000;
      expect(await authorization(adapter)).toBe("Bearer token-2");
    });
    expect(assertions).toEqual(["first", "second"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a token that Azure refuses is replaced at the next call", async () => {
  let asked = 0;
  await serving(
    () => Response.json({ expires_in: 3600, access_token: `token-${++asked}` }),
    async (url) => {
      let nowMs = 0;
      const adapter = open({ credentials: SECRET(url) }, () => nowMs);
      await authorization(adapter);
      nowMs = 20_000;
      adapter.failure(job(), 401, new Map(), "");
      await authorization(adapter);
      await eventually(async () => (await authorization(adapter)) === "Bearer token-2", "the next token");
      expect(asked).toBe(2);
    },
  );
});

test("Azure's own id of a call is known", () => {
  expect(
    open().upstreamRequestId(
      new Map([
        ["apim-request-id", "a"],
        ["x-request-id", "x"],
      ]),
    ),
  ).toBe("a");
  expect(open().upstreamRequestId(new Map([["x-request-id", "x"]]))).toBe("x");
});

test("a reference to something that Azure keeps is refused however it is spelled, unless the operator allows it", async () => {
  const asks = async (body: string, allowStore: boolean) => {
    const responses = job({ body, operation: "responses" });
    return (await open({ allowStore }).request(responses)).body;
  };
  const refused = async (body: string) => {
    try {
      return await asks(body, false);
    } catch (thrown) {
      return asGatewayError(thrown).detail.param;
    }
  };
  for (const [body, param] of [
    [String.raw`{"model":"m","input":[{"role":"user","content":"x"},{"type":"item_referenc\u0065","id":"msg_1"}]}`, "input[1].type"],
    [String.raw`{"model":"m","input":[{"typ\u0065":"item\u005Freference","id":"msg_1"}]}`, "input[0].type"],
    [`{"model":"m","input":[{"type":"item_reference","id":"msg_1","type":"message"}]}`, "input[0].type"],
    [`{"model":"m","prompt":{"id":"pmpt_1","variables":{"a":"b"}}}`, "prompt"],
    [String.raw`{"model":"m","\u0070rompt":{"id":"pmpt_1"}}`, "prompt"],
    [String.raw`{"model":"m","input":"x","previous_response\u005fid":"resp_1"}`, "previous_response_id"],
  ] as const) {
    expect(await refused(body)).toBe(param);
    expect(JSON.parse(await asks(body, true)).model).toBeDefined();
  }
  // A text that only contains the word passes, escaped or not.
  for (const text of ["item_reference", String.raw`{\"type\":\"item_reference\"}`, String.raw`item_referenc\u0065 \u00e9`]) {
    const body = `{"model":"m","input":[{"role":"user","content":"${text}"}],"prompt":null}`;
    expect(await refused(body)).toContain(text);
  }
});

test("a chat completion that is to be kept at Azure is refused, unless the operator allows it", async () => {
  const asks = async (store: string, allowStore = false) =>
    (await open({ allowStore }).request(job({ body: `{"model":"m",${store},${MESSAGES}}`, upstreamModel: "prod" }))).body;
  for (const store of ['"store":true', String.raw`"stor\u0065": true`]) {
    const failure = asGatewayError(await asks(store).catch((thrown: unknown) => thrown));
    expect(failure).toMatchObject({ kind: "invalid_request", detail: { param: "store" } });
    expect(JSON.parse(await asks(store, true)).store).toBe(true);
  }
  for (const store of ['"store":false', '"store":null']) expect(await asks(store)).toBe(`{"model":"prod",${store},${MESSAGES}}`);
});
