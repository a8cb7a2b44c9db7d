/** Odd bodies: a stand-in refuses them as the clouds refuse what they cannot read, and no client waits for ever. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
const ask = async (path: string, headers: Record<string, string>, body: string) =>
  (await fetch(sandbox.bedrock.url + path, { method: "POST", headers, body, signal: AbortSignal.timeout(5_000) })).status;
const bedrock = (fields: string) =>
  ask(
    "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke",
    { authorization: `Bearer ${sandbox.credentials.bearerTokens[0]}` },
    `{"anthropic_version":"bedrock-2023-05-31","max_tokens":1,"messages":[{"role":"user","content":"Hello"}]${fields}}`,
  );
const azure = (fields: string) =>
  ask(
    "/openai/v1/chat/completions",
    { "api-key": sandbox.credentials.apiKeys[0] ?? "" },
    `{"model":"gpt-4o","messages":[{"role":"user","content":"Hello"}]${fields}}`,
  );

test("a body with too many levels is refused with 400", async () => {
  expect([await bedrock(""), await azure("")]).toEqual([200, 200]);
  const deep = `,"tools":[{"name":"x","input_schema":${nested(60_000)}}]`;
  expect([await bedrock(deep), await azure(deep)]).toEqual([400, 400]);
});

test("an unknown field with the name of a built-in member is refused like any other", async () => {
  for (const name of ["constructor", "toString", "__proto__", "hasOwnProperty"]) {
    const field = `,"${name}":"x"`;
    expect([name, await bedrock(field), await azure(field)]).toEqual([name, 400, 400]);
  }
});
