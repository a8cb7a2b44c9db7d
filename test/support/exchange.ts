/** One HTTP exchange over a bare socket, so that a test sees what was on the wire and when, half answers included. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { eventually } from "./waits.ts";

export interface Received {
  /** 0 until a head came; NaN where what came is not HTTP. */
  status: number;
  headers: Record<string, string>;
  /** Without the chunked coding. */
  body: Buffer;
  /** All bytes of the announced length came, or the last chunk. */
  isWhole: boolean;
}

export interface Exchange {
  socket: Socket;
  received(): Received;
  /** Milliseconds from the request to each read. */
  readAtMs: number[];
  /** Bytes of each read. */
  readBytes: number[];
  /** Resolves when the peer has closed, or the answer is whole. */
  over: Promise<void>;
  /** Waits for that. @throws Error where it takes too long */
  until(isEnough: (received: Received) => boolean): Promise<Received>;
}

export interface Outgoing {
  url: string;
  method?: string;
  path: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
}

export function exchange({ url, method = "POST", path, headers = {}, body = "" }: Outgoing): Exchange {
  const { hostname, port, host } = new URL(url);
  const fields = { host, "content-type": "application/json", "content-length": String(Buffer.byteLength(body)), ...headers };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const socket = connect(Number(port), hostname);
  let raw = Buffer.alloc(0);
  const readAtMs: number[] = [];
  const readBytes: number[] = [];
  const began = performance.now();
  socket.write(`${method} ${path} HTTP/1.1\r\n${head.join("")}\r\n`);
  socket.write(body);
  const over = new Promise<void>((resolve) => {
    socket.on("close", () => resolve());
    socket.on("error", () => resolve());
    socket.on("data", (bytes: Buffer) => {
      raw = Buffer.concat([raw, bytes]);
      readAtMs.push(performance.now() - began);
      readBytes.push(bytes.length);
      if (parse(raw).isWhole) {
        resolve();
        socket.destroy();
      }
    });
  });
  const received = () => parse(raw);
  return {
    socket,
    received,
    readAtMs,
    readBytes,
    over,
    until: async (isEnough) => {
      await eventually(() => isEnough(received()), "an answer");
      return received();
    },
  };
}

function parse(raw: Buffer): Received {
  const end = raw.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, headers: {}, body: Buffer.alloc(0), isWhole: false };
  const [first = "", ...lines] = raw.toString("latin1", 0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines) headers[line.slice(0, line.indexOf(":")).toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
  const rest = raw.subarray(end + 4);
  if (headers["transfer-encoding"] === "chunked") return { status, headers, ...dechunked(rest) };
  return { status, headers, body: rest, isWhole: rest.length === Number(headers["content-length"]) };
}

/** A body without the chunked coding, or as much of it as came. */
export function dechunked(rest: Buffer): { body: Buffer; isWhole: boolean } {
  const pieces: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = rest.indexOf("\r\n", at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(rest.toString("latin1", at, lineEnd), 16);
    if (Number.isNaN(size)) return { body: Buffer.concat(pieces), isWhole: false };
    if (size === 0) return { body: Buffer.concat(pieces), isWhole: true };
    pieces.push(rest.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}
