/** Azure with tokens of Entra ID, against the stand-ins for both. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asGatewayError, type GatewayError } from "../../../../../src/contract/errors.ts";
import type { EntraCredentials } from "../../../../../src/providers/azure/settings.ts";
import { type Sandbox, startSandbox } from "../../../../../src/sandbox/sandbox.ts";
import { openAzure } from "../../../../../workers/providers/azure/azure.ts";
import type { Adapter } from "../../../../../workers/providers/provider.ts";
import { eventually } from "../../../../support/waits.ts";
import { headersOf, job, serving, upstream } from "../upstream.ts";

const BODY = '{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}';
const folder = () => mkdtempSync(join(tmpdir(), "weir-entra-"));

let clock: { nowMs: number };
let sandbox: Sandbox;
beforeEach(async () => {
  clock = { nowMs: Date.UTC(2026, 10, 22) };
  sandbox = await startSandbox({ now: () => clock.nowMs });
});
afterEach(() => sandbox.close());

function secret(fields: Partial<EntraCredentials> = {}): EntraCredentials {
  const { tenantId, clientId, clientSecret } = sandbox.credentials.entra;
  return { kind: "client_secret", tenantId, clientId, clientSecret, authority: sandbox.authority.url, ...fields } as EntraCredentials;
}

function workload(tokenFile: string): EntraCredentials {
  const { tenantId, clientId } = sandbox.credentials.entra;
  return { kind: "workload_identity", tenantId, clientId, tokenFile, authority: `${sandbox.authority.url}/` };
}

function open(credentials: EntraCredentials): Adapter {
  const settings = { endpoint: sandbox.azure.url, api: "v1", allowStore: false, credentials, scope: "https://ai.azure.com/.default" };
  return openAzure(upstream("azure", settings), () => clock.nowMs);
}

const call = () => job({ body: BODY, model: "gpt-4o", upstreamModel: "gpt-4o" });

async function token(adapter: Adapter): Promise<string> {
  return headersOf((await adapter.request(call())).headers).authorization ?? "";
}

/** What the stand-in for Azure answers to a request with the adapter's token. */
async function status(adapter: Adapter): Promise<number> {
  const { method, path, headers, body } = await adapter.request(call());
  const { host: _, ...sent } = headersOf(headers);
  return (await fetch(sandbox.azure.url + path, { method, headers: sent, body })).status;
}

async function refusal(adapter: Adapter): Promise<GatewayError> {
  return token(adapter).then(
    () => Promise.reject(new Error("it was not refused")),
    (thrown) => asGatewayError(thrown),
  );
}

const asked = () => sandbox.calls.counts.tokenRequests;

test("a client secret gets a token that Azure takes: one for all calls that wait, and it is kept", async () => {
  const adapter = open(secret());
  expect(new Set(await Promise.all(Array.from({ length: 20 }, () => token(adapter)))).size).toBe(1);
  expect(await status(adapter)).toBe(200);
  expect(adapter.request(call())).not.toBeInstanceOf(Promise);
  expect(asked()).toBe(1);
});

test("a token is renewed before it expires, by one request, while it is still used", async () => {
  const adapter = open(secret());
  const first = await token(adapter);
  clock.nowMs += 0.8 * 3_600_000 - 1;
  expect(await token(adapter)).toBe(first);
  expect(asked()).toBe(1);
  clock.nowMs += 1;
  expect(await Promise.all([token(adapter), token(adapter)])).toEqual([first, first]);
  await eventually(async () => (await token(adapter)) !== first, "another token");
  expect(asked()).toBe(2);
  // The old token has expired by now, and the new one has not.
  clock.nowMs += 0.2 * 3_600_000;
  expect(await status(adapter)).toBe(200);
});

test("while Entra ID refuses, the old token is used until it expires; then the log says what to check", async () => {
  const adapter = open(secret());
  const first = await token(adapter);
  const right = sandbox.credentials.entra.clientSecret;
  sandbox.credentials.entra.clientSecret = "rotated";
  clock.nowMs += 3_599_000;
  expect(await token(adapter)).toBe(first);
  await eventually(() => asked() === 2, "another request");
  expect(await status(adapter)).toBe(200);
  clock.nowMs += 1_000;
  const { kind, message, detail } = await refusal(adapter);
  expect(kind).toBe("misconfigured");
  expect(detail.log).toMatch(/^upstream "azure-eu": no token from Entra ID for client 6666.*401 invalid_client AADSTS7000215/);
  expect(detail.log).toContain("check tenant_id, client_id, authority and the client secret");
  for (const text of [message, JSON.stringify(detail)]) expect(text).not.toContain(right);
  sandbox.credentials.entra.clientSecret = right;
  clock.nowMs += 2_000;
  expect(await status(adapter)).toBe(200);
});

test("a workload's token file is read again for each token, because it may have been replaced", async () => {
  const place = folder();
  try {
    const tokenFile = join(place, "token");
    writeFileSync(tokenFile, `${sandbox.credentials.entra.assertions[0]}\n`);
    const adapter = open(workload(tokenFile));
    expect(await status(adapter)).toBe(200);
    sandbox.credentials.entra.assertions = ["assertion.second"];
    writeFileSync(tokenFile, "assertion.second");
    clock.nowMs += 3_600_000;
    expect(await status(adapter)).toBe(200);
    expect(asked()).toBe(2);
    writeFileSync(tokenFile, "assertion.forged");
    clock.nowMs += 3_600_000;
    const { kind, detail } = await refusal(adapter);
    expect(kind).toBe("misconfigured");
    expect(detail.log).toContain("AADSTS700213");
    expect(detail.log).toContain("the token file and its federated credential");
    expect(JSON.stringify(detail)).not.toContain("forged");
    rmSync(tokenFile);
    clock.nowMs += 3_000;
    expect((await refusal(adapter)).detail.log).toContain("ENOENT");
  } finally {
    rmSync(place, { recursive: true });
  }
});

test("a token file that is no file, or has no end, is refused at once, and a good file works again", async () => {
  const place = folder();
  try {
    const tokenFile = join(place, "token");
    const adapter = open(workload(tokenFile));
    for (const [make, words] of [
      [() => execFileSync("mkfifo", [tokenFile]), "a pipe"],
      [() => symlinkSync("/dev/zero", tokenFile), "a device"],
      [() => writeFileSync(tokenFile, "x".repeat(100_000)), "more than 64 KiB"],
    ] as const) {
      make();
      clock.nowMs += 3_000;
      const { kind, detail } = await refusal(adapter);
      expect([kind, detail.log]).toEqual(["misconfigured", expect.stringContaining(words)]);
      rmSync(tokenFile);
    }
    writeFileSync(tokenFile, `${sandbox.credentials.entra.assertions[0]}`);
    clock.nowMs += 3_000;
    expect(await status(adapter)).toBe(200);
  } finally {
    rmSync(place, { recursive: true });
  }
});

test("an answer of the authority without an end, or one that unpacks to a huge text, is given up after 64 KiB", async () => {
  const huge = new Uint8Array(64 * 1024 * 1024).fill(120);
  const zipped = Bun.gzipSync(huge);
  let sent = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(stream) {
        sent += 65_536;
        stream.enqueue(huge.subarray(0, 65_536));
        return Bun.sleep(1);
      },
    });
  for (const answer of [() => new Response(endless()), () => new Response(zipped, { headers: { "content-encoding": "gzip" } })]) {
    await serving(answer, async (authority) => {
      expect((await refusal(open(secret({ authority })))).detail.log).toContain("more than 64 KiB");
    });
  }
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});

test.each([
  ["an unknown tenant", { tenantId: "nobody" }, "AADSTS90002"],
  ["an unknown client", { clientId: "nobody" }, "AADSTS700016"],
  ["a wrong secret", { clientSecret: "hush-hush" }, "AADSTS7000215"],
  ["an authority that does not answer", { authority: "http://127.0.0.1:1" }, "no token from Entra ID"],
])("%s is a mistake of the operator", async (_name, fields, words) => {
  const { kind, detail } = await refusal(open(secret(fields)));
  expect(kind).toBe("misconfigured");
  expect(detail.log).toContain(words);
  expect(JSON.stringify(detail)).not.toContain("hush-hush");
});

test.each([
  ["a page of HTML", () => new Response("<html>busy</html>", { status: 503 }), "status 503"],
  ["no token", () => Response.json({ expires_in: 3600 }), "status 200"],
  ["a token without an expiry", () => Response.json({ access_token: "hush-hush" }), "status 200"],
  ["a token that has ended", () => Response.json({ access_token: "hush-hush", expires_in: 0 }), "status 200"],
  ["cut JSON", () => new Response('{"access_token":"hush-hush","expires_in":36'), "status 200"],
  ["a redirect", () => Response.redirect("http://127.0.0.1:1/"), "no token from Entra ID"],
])("%s from the authority is a mistake of the operator, and is not shown", async (_name, answer, words) => {
  await serving(answer, async (authority) => {
    const { kind, detail } = await refusal(open(secret({ authority })));
    expect(kind).toBe("misconfigured");
    expect(detail.log).toContain(words);
    expect(JSON.stringify(detail)).not.toContain("hush-hush");
  });
});
