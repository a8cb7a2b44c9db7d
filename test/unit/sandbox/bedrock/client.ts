/** AWS's own client for the Bedrock stand-in. */
import { Buffer } from "node:buffer";
import { Agent } from "node:http";
import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { isObject } from "../../../../src/contract/objects.ts";
import type { JsonObject } from "../../../../src/sandbox/json.ts";
import type { Sandbox } from "../../../../src/sandbox/sandbox.ts";
import { MODEL } from "../stand-ins.ts";

/** A client with one kept connection of HTTP/1.1. By default it would use HTTP/2, which the stand-in does not support. */
export function bedrockClient(sandbox: Sandbox, changes: BedrockRuntimeClientConfig = {}): BedrockRuntimeClient {
  const [credentials] = sandbox.credentials.aws;
  if (credentials === undefined) throw new Error("the sandbox has no AWS key");
  return new BedrockRuntimeClient({
    region: "eu-central-1",
    endpoint: sandbox.bedrock.url,
    credentials,
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, maxSockets: 1 }) }),
    ...changes,
  });
}

export type SignedRequest = Parameters<NodeHttpHandler["handle"]>[0];

/** Changes a request after it was signed. */
class Tampering extends NodeHttpHandler {
  readonly #change: (request: SignedRequest) => void;

  constructor(change: (request: SignedRequest) => void) {
    super();
    this.#change = change;
  }

  override handle(...[request, ...rest]: Parameters<NodeHttpHandler["handle"]>): ReturnType<NodeHttpHandler["handle"]> {
    this.#change(request);
    return super.handle(request, ...rest);
  }
}

export function tamperingClient(
  sandbox: Sandbox,
  change: (request: SignedRequest) => void,
  changes: BedrockRuntimeClientConfig = {},
): BedrockRuntimeClient {
  return bedrockClient(sandbox, { ...changes, requestHandler: new Tampering(change) });
}

export function body(text: string, fields: JsonObject = {}): string {
  const messages = [{ role: "user", content: text }];
  return JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 1_000, messages, ...fields });
}

export async function invoke(client: BedrockRuntimeClient, text: string, fields: JsonObject = {}, modelId = MODEL): Promise<JsonObject> {
  const answer = await client.send(new InvokeModelCommand({ modelId, contentType: "application/json", body: body(text, fields) }));
  const message: unknown = JSON.parse(Buffer.from(answer.body).toString("utf8"));
  if (!isObject(message)) throw new Error("no message");
  return message;
}

/** The model's events, as the client reads them. */
export async function* invokeStream(client: BedrockRuntimeClient, text: string, fields: JsonObject = {}): AsyncGenerator<JsonObject> {
  const command = new InvokeModelWithResponseStreamCommand({ modelId: MODEL, contentType: "application/json", body: body(text, fields) });
  for await (const { chunk } of (await client.send(command)).body ?? []) {
    if (chunk?.bytes === undefined) continue;
    const event: unknown = JSON.parse(Buffer.from(chunk.bytes).toString("utf8"));
    if (isObject(event)) yield event;
  }
}

export interface Refusal {
  name: string;
  message: string;
  status: number | undefined;
  error: unknown;
}

/** @throws Error where the call is not refused */
export async function refusal(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const metadata = "$metadata" in error && isObject(error.$metadata) ? error.$metadata : {};
    const status = typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : undefined;
    return { name: error.name, message: error.message, status, error };
  }
  throw new Error("it was not refused");
}
