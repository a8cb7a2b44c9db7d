/** Asks a variant twice and reads the answers whole, before anything is timed. Later the load generator only counts the bytes of answers. */
import { readFileSync } from "node:fs";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { STREAMED_TEXT, textOf } from "./answers.ts";
import type { Expectation } from "./load/job.ts";
import type { Address, Question, Running } from "./variant.ts";

/** By how much the length of an answer may differ, as a share, where two right answers differ in length. */
const SLACK = 0.02;
const REFUSAL_SLACK_BYTES = 64;

export interface Asking {
  running: Running;
  address: Address;
  body: string;
  /** The file of a certificate to trust; undefined for those that the runtime trusts. */
  certificate: string | undefined;
}

/** Throws where the answer is wrong. With the stand-in as upstream, the text must be the stand-in's. With another upstream, any text is right. */
export async function verify(asking: Asking, { stream }: Question, isStandIn: boolean): Promise<Expectation> {
  const wanted = stream ? STREAMED_TEXT : textOf(Buffer.byteLength(asking.body));
  return await alike(asking, ({ status, type, bytes }) => {
    const isForm = (type !== "application/json") === stream;
    const text = status === 200 && isForm ? readText(type, bytes) : "";
    if (isStandIn ? text === wanted : text !== "") return;
    throw new Error(`a wrong answer, status ${status}: ${bytes.toString("utf8", 0, 500)}`);
  });
}

/** Accepts any answer except a failure of the gateway: a hostile request may be refused. */
export async function verifyHostile(asking: Asking): Promise<Expectation> {
  return await alike(asking, ({ status, bytes }) => {
    if (status >= 500) throw new Error(`a failure, status ${status}: ${bytes.toString("utf8", 0, 500)}`);
  });
}

/** The answer to a workspace that has used up its limit. Throws where it is no 429. */
export async function verifyRefusal(asking: Asking): Promise<Expectation> {
  await ask(asking);
  const { status, bytes } = await ask(asking);
  if (status !== 429) throw new Error(`answered ${status} where the limit is used up`);
  // The message has a number of seconds, whose digits vary.
  return { status, bytes: [bytes.length - REFUSAL_SLACK_BYTES, bytes.length + REFUSAL_SLACK_BYTES] };
}

async function alike(asking: Asking, check: (answer: Answered) => void): Promise<Expectation> {
  const answers = [await ask(asking), await ask(asking)];
  for (const answer of answers) check(answer);
  const lengths = answers.map(({ bytes }) => bytes.length);
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  const status = answers[0]?.status ?? 0;
  return { status, bytes: least === most ? [least, most] : [Math.floor(least * (1 - SLACK)), Math.ceil(most * (1 + SLACK))] };
}

interface Answered {
  status: number;
  type: string;
  bytes: Buffer;
}

async function ask({ running, address, body, certificate }: Asking): Promise<Answered> {
  const tls = certificate === undefined ? {} : { tls: { ca: readFileSync(certificate, "utf8") } };
  const headers = { "content-type": "application/json", ...address.headers };
  const answer = await fetch(running.url + address.path, { method: "POST", headers, body, ...tls });
  const type = (answer.headers.get("content-type") ?? "").replace(/;.*/, "");
  return { status: answer.status, type, bytes: Buffer.from(await answer.arrayBuffer()) };
}

interface Document {
  content?: { text?: string }[];
  choices?: { message?: { content?: string | null }; delta?: { content?: string | null } }[];
  delta?: { text?: string };
  type?: string;
}

/** The model's text in a whole answer or an event of either dialect. */
const textIn = ({ content, choices, delta }: Document): string =>
  [content?.[0]?.text, choices?.[0]?.message?.content, choices?.[0]?.delta?.content, delta?.text].find(
    (text) => typeof text === "string",
  ) ?? "";

const READERS: Record<string, (bytes: Buffer) => string> = {
  "application/json": (bytes) => textIn(JSON.parse(bytes.toString()) as Document),
  "text/event-stream": (bytes) => joined(sseEvents(bytes.toString())),
  "application/vnd.amazon.eventstream": (bytes) => joined(frameEvents(bytes)),
};

function readText(type: string, bytes: Buffer): string {
  const read = READERS[type];
  if (read === undefined) throw new Error(`an answer of type ${JSON.stringify(type)}`);
  return read(bytes);
}

/** The text of a complete stream; "" for a stream without its last event. */
function joined(events: string[]): string {
  const last = events.at(-1) ?? "";
  if (!last.includes("[DONE]") && !last.includes("message_stop")) return "";
  return events.map((event) => (event.startsWith("{") ? textIn(JSON.parse(event) as Document) : "")).join("");
}

const sseEvents = (text: string): string[] => [...text.matchAll(/^data: ?(.*)$/gm)].map(([, data = ""]) => data);

function frameEvents(bytes: Buffer): string[] {
  const codec = new EventStreamCodec(
    (part) => Buffer.from(part).toString(),
    (text) => Buffer.from(text),
  );
  const events: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readUInt32BE(at);
    const { body } = codec.decode(bytes.subarray(at, end));
    const { bytes: payload } = JSON.parse(Buffer.from(body).toString()) as { bytes: string };
    events.push(Buffer.from(payload, "base64").toString());
    at = end;
  }
  return events;
}
