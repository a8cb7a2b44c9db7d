/**
 * A collector that takes spans by OTLP over HTTP, as the specification has it: `POST /v1/traces` with an `ExportTraceServiceRequest` in Protobuf.
 * Source: opentelemetry-proto, trace/v1/trace.proto and common/v1/common.proto.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";
import { eventually } from "../../support/waits.ts";

export interface ReceivedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  traceState: string;
  name: string;
  /** 2 server, 3 client. */
  kind: number;
  startMs: number;
  endMs: number;
  /** 0 unset, 2 error. */
  status: number;
  attributes: Record<string, unknown>;
  resource: Record<string, unknown>;
}

/** What it does with what it is sent. */
type Mood = "takes" | "refuses" | "hangs";

export class Collector {
  readonly spans: ReceivedSpan[] = [];
  /** Headers of each request. */
  readonly requests: Record<string, string | string[] | undefined>[] = [];
  mood: Mood = "takes";
  readonly #server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      this.requests.push({ ...request.headers, ":path": `${request.method} ${request.url}` });
      const body = Buffer.concat(pieces);
      this.#answer(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body, response);
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Waits for spans. */
  async until(isThere: (spans: readonly ReceivedSpan[]) => boolean, timeoutMs = 5_000): Promise<void> {
    await eventually(() => isThere(this.spans), "the collector has the spans", timeoutMs);
  }

  #answer(body: Buffer, response: ServerResponse): void {
    if (this.mood === "hangs") return;
    if (this.mood === "refuses") {
      response.writeHead(400).end();
      return;
    }
    this.spans.push(...spansOf(body));
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  }
}

/** The fields of a message, each as often as it is there: numbers as they are, everything of a length as bytes. */
function fieldsOf(bytes: Buffer): Map<number, (bigint | Buffer)[]> {
  const fields = new Map<number, (bigint | Buffer)[]>();
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    if (at > bytes.length) throw new Error("a field is longer than its message");
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const kinds: Record<number, () => bigint | Buffer> = {
      0: varint,
      1: () => take(8).readBigUInt64LE(),
      2: () => take(Number(varint())),
      5: () => BigInt(take(4).readUInt32LE()),
    };
    const read = kinds[tag & 7];
    if (read === undefined) throw new Error(`wire type ${tag & 7}`);
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), read()]);
  }
  return fields;
}

const bytesAt = (fields: Map<number, (bigint | Buffer)[]>, number: number) => (fields.get(number) ?? []) as Buffer[];
const textAt = (fields: Map<number, (bigint | Buffer)[]>, number: number) => bytesAt(fields, number)[0]?.toString("utf8") ?? "";
const hexAt = (fields: Map<number, (bigint | Buffer)[]>, number: number) => bytesAt(fields, number)[0]?.toString("hex") ?? "";
const numberAt = (fields: Map<number, (bigint | Buffer)[]>, number: number) => Number(fields.get(number)?.[0] ?? 0n);

function attributesOf(pairs: readonly Buffer[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const fields = fieldsOf(pair);
      return [textAt(fields, 1), anyValueOf(fieldsOf(bytesAt(fields, 2)[0] ?? Buffer.alloc(0)))];
    }),
  );
}

function anyValueOf(fields: Map<number, (bigint | Buffer)[]>): unknown {
  if (fields.has(1)) return textAt(fields, 1);
  if (fields.has(2)) return numberAt(fields, 2) === 1;
  if (fields.has(3)) return numberAt(fields, 3);
  if (!fields.has(4)) return undefined;
  const double = Buffer.alloc(8);
  double.writeBigUInt64LE(fields.get(4)?.[0] as bigint);
  return double.readDoubleLE();
}

function spansOf(body: Buffer): ReceivedSpan[] {
  return bytesAt(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const outer = fieldsOf(resourceSpans);
    const resource = attributesOf(bytesAt(outer, 1).flatMap((one) => bytesAt(fieldsOf(one), 1)));
    return bytesAt(outer, 2).flatMap((scopeSpans) => bytesAt(fieldsOf(scopeSpans), 2).map((span) => spanOf(fieldsOf(span), resource)));
  });
}

function spanOf(fields: Map<number, (bigint | Buffer)[]>, resource: Record<string, unknown>): ReceivedSpan {
  return {
    traceId: hexAt(fields, 1),
    spanId: hexAt(fields, 2),
    traceState: textAt(fields, 3),
    parentSpanId: hexAt(fields, 4),
    name: textAt(fields, 5),
    kind: numberAt(fields, 6),
    startMs: numberAt(fields, 7) / 1e6,
    endMs: numberAt(fields, 8) / 1e6,
    attributes: attributesOf(bytesAt(fields, 9)),
    status: numberAt(fieldsOf(bytesAt(fields, 15)[0] ?? Buffer.alloc(0)), 3),
    resource,
  };
}
