/** Asks a variant twice and reads the answers whole, before anything is timed: what the load generator then counts bytes of is known to be right. */
import { readFileSync } from "node:fs";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { STREAMED_TEXT, textOf } from "./answers.ts";
import type { Expectation } from "./load/job.ts";
import type { Address, Question, Running, World } from "./variant.ts";

/** Where two right answers differ in length, others may by as much. */
const SLACK = 0.02;

/** Behind the stand-in the text has to be the one that it answers; else any will do. Throws where the answer is wrong. */
export async function verify(
  running: Running,
  address: Address,
  question: Question,
  body: string,
  world: Pick<World, "certificate">,
  isStandIn: boolean,
): Promise<Expectation> {
  const lengths: number[] = [];
  for (let at = 0; at < 2; at++) {
    const { status, bytes, type } = await ask(running.url + address.path, address.headers, body, world);
    const said = bytes.toString("utf8", 0, 500);
    if (status !== 200) throw new Error(`answered ${status}: ${said}`);
    const text = readText(type, bytes);
    const wanted = question.stream ? STREAMED_TEXT : textOf(Buffer.byteLength(body));
    if (isStandIn ? text !== wanted : text === "") throw new Error(`a wrong answer: ${said}`);
    lengths.push(bytes.length);
  }
  const [least, most] = [Math.min(...lengths), Math.max(...lengths)];
  return { status: 200, bytes: least === most ? [least, most] : [Math.floor(least * (1 - SLACK)), Math.ceil(most * (1 + SLACK))] };
}

/** The answer to a workspace that has used up its limit. */
export async function verifyRefusal(
  running: Running,
  address: Address,
  body: string,
  world: Pick<World, "certificate">,
): Promise<Expectation> {
  const url = running.url + address.path;
  await ask(url, address.headers, body, world);
  const { status, bytes } = await ask(url, address.headers, body, world);
  if (status !== 429) throw new Error(`answered ${status} where the limit is used up`);
  // The message tells when to return, in as many digits as that takes.
  return { status, bytes: [bytes.length - 32, bytes.length + 32] };
}

async function ask(url: string, headers: Record<string, string>, body: string, { certificate }: Pick<World, "certificate">) {
  const tls = certificate === undefined ? {} : { tls: { ca: readFileSync(certificate, "utf8") } };
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json", ...headers }, body, ...tls });
  const type = (answer.headers.get("content-type") ?? "").replace(/;.*/, "");
  return { status: answer.status, type, bytes: Buffer.from(await answer.arrayBuffer()) };
}

interface Answered {
  content?: { text?: string }[];
  choices?: { message?: { content?: string | null }; delta?: { content?: string | null } }[];
  delta?: { text?: string };
  type?: string;
}

/** What the model says in one JSON document of either dialect, whole or an event. */
const textIn = ({ content, choices, delta }: Answered): string =>
  [content?.[0]?.text, choices?.[0]?.message?.content, choices?.[0]?.delta?.content, delta?.text].find(
    (text) => typeof text === "string",
  ) ?? "";

const READERS: Record<string, (bytes: Buffer) => string> = {
  "application/json": (bytes) => textIn(JSON.parse(bytes.toString()) as Answered),
  "text/event-stream": (bytes) => joined(sseEvents(bytes.toString())),
  "application/vnd.amazon.eventstream": (bytes) => joined(frameEvents(bytes)),
};

function readText(type: string, bytes: Buffer): string {
  const read = READERS[type];
  if (read === undefined) throw new Error(`an answer of type ${JSON.stringify(type)}`);
  return read(bytes);
}

/** Of a stream that has come to its end; nothing of one that has not. */
function joined(events: string[]): string {
  const last = events.at(-1) ?? "";
  if (!last.includes("[DONE]") && !last.includes("message_stop")) return "";
  return events.map((event) => (event.startsWith("{") ? textIn(JSON.parse(event) as Answered) : "")).join("");
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
