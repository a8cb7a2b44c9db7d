/** AWS's own client works with the stand-in. */
import { afterAll, describe, expect, test } from "bun:test";
import {
  BedrockRuntimeServiceException,
  CountTokensCommand,
  InternalServerException,
  ModelStreamErrorException,
  ModelTimeoutException,
  ServiceUnavailableException,
  ThrottlingException,
  ValidationException,
} from "@aws-sdk/client-bedrock-runtime";
import { isObject } from "../../../../src/contract/objects.ts";
import { type JsonObject, text } from "../../../../src/sandbox/json.ts";
import { startSandbox } from "../../../../src/sandbox/sandbox.ts";
import { MODEL } from "../stand-ins.ts";
import { bedrockClient, body, invoke, invokeStream, refusal } from "./client.ts";

const sandbox = await startSandbox();
const client = bedrockClient(sandbox);
afterAll(async () => {
  client.destroy();
  await sandbox.close();
});

async function all(events: AsyncIterable<JsonObject>): Promise<JsonObject[]> {
  const found: JsonObject[] = [];
  for await (const event of events) found.push(event);
  return found;
}

const said = (events: readonly JsonObject[]): string => events.map(({ delta }) => (isObject(delta) ? text(delta.text) : "")).join("");

test("an answer is a message of Anthropic with the bare name of its model", async () => {
  const message = await invoke(client, "Hello!");
  expect(message).toMatchObject({ type: "message", role: "assistant", model: "claude-3-haiku-20240307", stop_reason: "end_turn" });
  expect(message.id).toStartWith("msg_bdrk_");
  expect(message.content).toEqual([{ type: "text", text: "This is claude-3-haiku-20240307 in the sandbox. You said: “Hello!”." }]);
});

test("the deltas of a stream are the text of the whole answer, and its usage is the same", async () => {
  const whole = await invoke(client, "Grüße, 日本 and 🦦");
  const events = await all(invokeStream(client, "Grüße, 日本 and 🦦"));
  expect(whole.content).toEqual([{ type: "text", text: said(events) }]);
  expect(events.map(({ type }) => type).filter((type) => type !== "content_block_delta")).toEqual([
    "message_start",
    "content_block_start",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  expect(events.at(-2)?.usage).toEqual(whole.usage);
});

test("message_stop has the metrics of the call", async () => {
  const events = await all(invokeStream(client, "Hello!"));
  const usage = events.at(-2)?.usage;
  expect(events.at(-1)?.["amazon-bedrock-invocationMetrics"]).toEqual({
    inputTokenCount: isObject(usage) ? usage.input_tokens : "none",
    outputTokenCount: isObject(usage) ? usage.output_tokens : "none",
    invocationLatency: expect.any(Number),
    firstByteLatency: expect.any(Number),
    cacheReadInputTokenCount: 0,
    cacheWriteInputTokenCount: 0,
  });
});

test("an ARN in the path is signed and read as the client encodes it", async () => {
  const arn = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
  expect((await invoke(client, "Hello!", {}, arn)).model).toBe("claude-sonnet-4-5-20250929");
});

test("calls, refusals and streams share one kept connection", async () => {
  const own = await startSandbox();
  const kept = bedrockClient(own);
  await invoke(kept, "one");
  await all(invokeStream(kept, "two"));
  await refusal(invoke(kept, "three", { top_k: -1 }));
  await invoke(kept, "four");
  expect(own.calls.counts).toMatchObject({ opened: 4, completed: 4, connectionsOpened: 1 });
  kept.destroy();
  await own.close();
});

test("a right Bedrock API key is accepted instead of a signature, and a wrong one is not", async () => {
  const bearer = (token: string) => bedrockClient(sandbox, { token: { token }, authSchemePreference: ["httpBearerAuth"] });
  expect((await invoke(bearer(sandbox.credentials.bearerTokens[0] ?? ""), "Hello!")).role).toBe("assistant");
  expect(sandbox.calls.recent.at(-1)?.headers.authorization).toBe("Bearer ***");
  expect(await refusal(invoke(bearer("bedrock-api-key-wrong"), "Hello!"))).toMatchObject({ name: "AccessDeniedException", status: 403 });
});

test("CountTokens counts the input tokens that an answer reports, and refuses what InvokeModel refuses", async () => {
  const count = (inner: string) =>
    client.send(new CountTokensCommand({ modelId: MODEL, input: { invokeModel: { body: Buffer.from(inner) } } }));
  const { usage } = await invoke(client, "How long is this?", { system: "Be brief." });
  expect((await count(body("How long is this?", { system: "Be brief." }))).inputTokens).toBe(
    isObject(usage) ? Number(usage.input_tokens) : -1,
  );
  expect(await refusal(count(body("Hello!", { top_k: -1 })))).toMatchObject({ name: "ValidationException", status: 400 });
  expect(await refusal(count(""))).toMatchObject({ name: "ValidationException", status: 400 });
});

/** All exceptions that may end a stream. Source: github boto/botocore, bedrock-runtime service-2.json. */
const EXCEPTIONS = {
  internalServerException: InternalServerException,
  modelStreamErrorException: ModelStreamErrorException,
  validationException: ValidationException,
  throttlingException: ThrottlingException,
  modelTimeoutException: ModelTimeoutException,
  serviceUnavailableException: ServiceUnavailableException,
};

describe("an exception frame is the client's own typed exception", () => {
  for (const [type, kind] of Object.entries(EXCEPTIONS)) {
    test(`${type}: first on the stream, and after two tokens`, async () => {
      const { error, message } = await refusal(all(invokeStream(client, `[sandbox: exception type=${type}]`)));
      expect(error).toBeInstanceOf(kind);
      expect(message).not.toBe("");

      const events: JsonObject[] = [];
      const late = await refusal(
        (async () => {
          for await (const event of invokeStream(client, `[sandbox: exception type=${type} after=2 tokens=5]`)) events.push(event);
        })(),
      );
      expect(late.error).toBeInstanceOf(kind);
      expect(said(events)).toBe(" the weir");
    });
  }

  test("a modelStreamErrorException has the model's own status and message", async () => {
    const { error } = await refusal(all(invokeStream(client, "[sandbox: exception type=modelStreamErrorException]")));
    expect(error).toMatchObject({ originalStatusCode: 500, originalMessage: "Internal server error" });
  });

  test("an error that is not in the service's description keeps its code and its message", async () => {
    const { name, message } = await refusal(all(invokeStream(client, "[sandbox: exception type=error]")));
    expect(name).toBe("InternalError");
    expect(message).toStartWith("An internal error occurred.");
  });
});

test("without a stream an exception is an HTTP error of the same kind", async () => {
  for (const [type, kind] of Object.entries(EXCEPTIONS)) {
    const { error } = await refusal(invoke(client, `[sandbox: exception type=${type}]`));
    // The service's description has modelStreamErrorException for streams only, but both sides know it.
    expect(error).toBeInstanceOf(kind);
    expect(error).toBeInstanceOf(BedrockRuntimeServiceException);
  }
});

test("a frame with a wrong checksum is refused by the client", async () => {
  const first = await refusal(all(invokeStream(client, "[sandbox: corrupt]")));
  const later = await refusal(all(invokeStream(client, "[sandbox: corrupt after=2 tokens=5]")));
  for (const { message } of [first, later]) expect(message).toContain("checksum");
});

test("frames that come in pieces of a few bytes are the same answer", async () => {
  const events = await all(invokeStream(client, "[sandbox: shred bytes=11 tokens=4]"));
  expect(said(events)).toBe(" the weir is low");
});
