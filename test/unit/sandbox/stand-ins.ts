/** Asks a stand-in over a bare socket, and describes its answer in terms that are the same for both stand-ins. */
import type { Buffer } from "node:buffer";
import { isObject } from "../../../src/contract/objects.ts";
import { type JsonObject, objects, text } from "../../../src/sandbox/json.ts";
import type { Sandbox } from "../../../src/sandbox/sandbox.ts";
import { type Exchange, exchange, type Received } from "../../support/exchange.ts";
import { eventOf, readFrames } from "./bedrock/frame-reader.ts";

export type StandInName = "bedrock" | "azure";
export const STAND_INS: readonly StandInName[] = ["bedrock", "azure"];

export interface Seen {
  status: number;
  headers: Record<string, string>;
  isWhole: boolean;
  /** The whole answer, or the error. */
  json: JsonObject;
  /** The events of a stream. */
  events: JsonObject[];
  /** The text of a whole answer or a stream. */
  text: string;
  /** The names of the called tools in their order, and their arguments as text. */
  calls: { name: string; input: string }[];
  /** `stop_reason` or `finish_reason`. */
  end: string;
  outputTokens: number;
  /** The last event of a stream came. */
  isDone: boolean;
  /** What could not be read: a checksum, half a frame, no JSON. */
  fault: string;
  /** The exception or the error in a stream. */
  exception: string;
}

export interface StandIn {
  name: StandInName;
  /** @param fields more fields of the body; they may replace `messages` */
  request(text: string, fields?: JsonObject): Exchange;
  read(received: Received): Seen;
  ask(text: string, fields?: JsonObject): Promise<Seen>;
}

export const MODEL = "anthropic.claude-3-haiku-20240307-v1:0";

export function standInOf(sandbox: Sandbox, name: StandInName, model = name === "bedrock" ? MODEL : "gpt-4o"): StandIn {
  const { credentials } = sandbox;
  const request = (said: string, { stream, ...fields }: JsonObject = {}): Exchange => {
    const messages = [{ role: "user", content: said }];
    if (name === "bedrock") {
      return exchange({
        url: sandbox.bedrock.url,
        path: `/model/${encodeURIComponent(model)}/invoke${stream === true ? "-with-response-stream" : ""}`,
        headers: { authorization: `Bearer ${credentials.bearerTokens[0]}` },
        body: JSON.stringify({ anthropic_version: "bedrock-2023-05-31", max_tokens: 1_000, messages, ...fields }),
      });
    }
    return exchange({
      url: sandbox.azure.url,
      path: "/openai/v1/chat/completions",
      headers: { "api-key": credentials.apiKeys[0] ?? "" },
      body: JSON.stringify({ model, messages, ...(stream === true ? { stream, stream_options: { include_usage: true } } : {}), ...fields }),
    });
  };
  const read = name === "bedrock" ? readBedrock : readAzure;
  const ask = async (said: string, fields?: JsonObject): Promise<Seen> => {
    const asked = request(said, fields);
    await asked.over;
    return read(asked.received());
  };
  return { name, request, read, ask };
}

function nothingSeen({ status, headers, isWhole }: Received): Seen {
  const parts = { json: {}, events: [], text: "", calls: [], end: "", outputTokens: 0, isDone: false, fault: "", exception: "" };
  return { status, headers, isWhole, ...parts };
}

function object(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function readJson(seen: Seen, body: Buffer): void {
  try {
    seen.json = object(JSON.parse(body.toString("utf8")));
  } catch {
    seen.fault = "not JSON";
  }
}

function readBedrock(received: Received): Seen {
  const seen = nothingSeen(received);
  if (received.headers["content-type"] !== "application/vnd.amazon.eventstream") {
    readJson(seen, received.body);
    const blocks = objects(seen.json.content);
    seen.text = blocks.map((block) => text(block.text)).join("");
    seen.calls = blocks.flatMap((block) =>
      block.type === "tool_use" ? [{ name: text(block.name), input: JSON.stringify(block.input) }] : [],
    );
    seen.end = text(seen.json.stop_reason);
    seen.outputTokens = Number(object(seen.json.usage).output_tokens ?? 0);
    return seen;
  }
  try {
    const { frames, leftBytes } = readFrames(received.body);
    if (leftBytes > 0) seen.fault = "half a frame";
    for (const frame of frames) {
      const event = eventOf(frame);
      seen.exception ||= frame.headers[":exception-type"] ?? frame.headers[":error-code"] ?? "";
      if (event !== undefined) takeBedrock(seen, event);
    }
  } catch (thrown) {
    seen.fault = String(thrown);
  }
  return seen;
}

function takeBedrock(seen: Seen, event: JsonObject): void {
  seen.events.push(event);
  const delta = object(event.delta);
  const block = object(event.content_block);
  seen.text += text(delta.text);
  if (block.type === "tool_use") seen.calls.push({ name: text(block.name), input: "" });
  const call = seen.calls.at(-1);
  if (call !== undefined) call.input += text(delta.partial_json);
  if (event.type === "message_delta") {
    seen.end = text(delta.stop_reason);
    seen.outputTokens = Number(object(event.usage).output_tokens);
  }
  seen.isDone ||= event.type === "message_stop";
}

function readAzure(received: Received): Seen {
  const seen = nothingSeen(received);
  if (!received.headers["content-type"]?.startsWith("text/event-stream")) {
    readJson(seen, received.body);
    const [choice] = objects(seen.json.choices);
    const message = object(choice?.message);
    seen.text = text(message.content);
    for (const call of objects(message.tool_calls)) takeCall(seen, call);
    seen.end = text(choice?.finish_reason);
    seen.outputTokens = Number(object(seen.json.usage).completion_tokens ?? 0);
    return seen;
  }
  const events = received.body.toString("utf8").split("\n\n");
  if (events.pop() !== "") seen.fault = "half an event";
  for (const event of events) {
    const data = event.slice("data: ".length);
    if (data === "[DONE]") seen.isDone = true;
    else {
      try {
        takeAzure(seen, object(JSON.parse(data)));
      } catch {
        seen.fault = "not JSON";
      }
    }
  }
  return seen;
}

function takeAzure(seen: Seen, event: JsonObject): void {
  seen.events.push(event);
  if (isObject(event.error)) seen.exception = text(event.error.type);
  if (isObject(event.usage)) seen.outputTokens = Number(event.usage.completion_tokens);
  const [choice] = objects(event.choices);
  const delta = object(choice?.delta);
  seen.text += text(delta.content);
  for (const call of objects(delta.tool_calls)) takeCall(seen, call);
  seen.end ||= text(choice?.finish_reason);
}

function takeCall(seen: Seen, call: JsonObject): void {
  const { name, arguments: input } = object(call.function);
  if (typeof name === "string") seen.calls.push({ name, input: "" });
  const last = seen.calls.at(-1);
  if (last !== undefined) last.input += text(input);
}
