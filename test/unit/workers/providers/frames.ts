/** Bedrock's frames, made by AWS's own codec, and the recordings that the readers' tests share. */
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { EventStreamCodec, type MessageHeaders } from "@smithy/eventstream-codec";
import type { Reader } from "../../../../workers/providers/provider.ts";

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString("utf8"),
  (text) => Buffer.from(text, "utf8"),
);

export const EVENTS = recording("bedrock-stream.jsonl").toString("utf8").trim().split("\n");

export function recording(name: string): Buffer {
  return readFileSync(new URL(`../../../support/fixtures/${name}`, import.meta.url));
}

export function frame(headers: Record<string, string>, body: string): Buffer {
  const typed: MessageHeaders = {};
  for (const [name, value] of Object.entries(headers)) typed[name] = { type: "string", value };
  return Buffer.from(codec.encode({ headers: typed, body: Buffer.from(body) }));
}

export function chunkFrame(event: string, padding = '"p":"abcdefgh"'): Buffer {
  const bytes = Buffer.from(event).toString("base64");
  return frame(
    { ":event-type": "chunk", ":content-type": "application/json", ":message-type": "event" },
    `{"bytes":"${bytes}"${padding && `,${padding}`}}`,
  );
}

export function exceptionFrame(name: string, body: string): Buffer {
  return frame({ ":exception-type": name, ":content-type": "application/json", ":message-type": "exception" }, body);
}

/** What a reader makes of chunks: its text as characters, and its state at the end. */
export function readAll(reader: Reader, ...chunks: Uint8Array[]) {
  let text = "";
  for (const chunk of chunks) {
    // The memory of the view changes after the call, as a socket's memory does.
    const view = Uint8Array.from(chunk);
    text += reader.push(view);
    view.fill(0);
    if (reader.error !== undefined || reader.complete) break;
  }
  text += reader.end();
  return {
    text: Buffer.from(text, "latin1").toString("utf8"),
    kind: reader.error?.kind,
    complete: reader.complete,
    usage: { ...reader.usage },
  };
}

export function everyCut(bytes: Buffer): Buffer[][] {
  return Array.from({ length: bytes.length + 1 }, (_, cut) => [bytes.subarray(0, cut), bytes.subarray(cut)]);
}
