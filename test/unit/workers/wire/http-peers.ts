/** What the exam of the HTTP clients is made of: peers scripted byte by byte, certificates, and a record of what a client reports. Runs on Bun and on Deno. */
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer as createTlsServer } from "node:tls";
import type { Timeouts } from "../../../../src/contract/config.ts";
import type { HttpClient, HttpEvents, HttpExchange, HttpFailure, HttpRequest, Origin } from "../../../../workers/wire/http.ts";
import { pause } from "../../../support/waits.ts";

/** Long enough never to fire in a test that does not mean it. */
export const PATIENT: Timeouts = { connectMs: 10_000, firstByteMs: 10_000, silenceMs: 10_000, totalMs: 20_000 };

export interface Peer {
  origin: Origin;
  /** Connections accepted so far. */
  readonly accepted: number;
  /** Sockets open now. */
  readonly open: ReadonlySet<Socket>;
  close(): void;
}

export interface Certificate {
  key: string;
  cert: string;
}

/** A server on loopback; `connected` is called for every connection with its number, from 0. */
export async function listen(connected: (socket: Socket, index: number) => void, certificate?: Certificate): Promise<Peer> {
  const open = new Set<Socket>();
  let accepted = 0;
  const accept = (socket: Socket) => {
    open.add(socket);
    socket.setNoDelay(true);
    // The clients under test reset connections; that is no failure of the peer.
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
    connected(socket, accepted++);
  };
  const server: Server =
    certificate === undefined ? createServer(accept) : createTlsServer({ ...certificate, ALPNProtocols: ["http/1.1"] }, accept);
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: { tls: certificate !== undefined, host: "127.0.0.1", port, ca: undefined },
    get accepted() {
      return accepted;
    },
    open,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Calls `answer` for each whole request (head and content-length) that arrives on a socket; `head` and `body` are byte text. */
export function eachRequest(socket: Socket, answer: (head: string, body: string) => void): void {
  let text = "";
  let pieces: string[] = [];
  let missing = 0;
  socket.on("data", (bytes: Buffer) => {
    pieces.push(bytes.toString("latin1"));
    missing -= bytes.length;
    if (missing > 0) return;
    text += pieces.join("");
    pieces = [];
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const head = text.slice(0, end);
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
      missing = end + 4 + length - text.length;
      if (missing > 0) return;
      const body = text.slice(end + 4, end + 4 + length);
      text = text.slice(end + 4 + length);
      answer(head, body);
    }
  });
}

/** A peer that answers every request with these bytes; `close`: and then closes. */
export function answering(answer: string, close: boolean, certificate?: Certificate): Promise<Peer> {
  return listen((socket) => {
    eachRequest(socket, () => {
      socket.write(answer, "latin1");
      if (close) socket.end();
    });
  }, certificate);
}

/** A peer that reads and never says a word. */
export function silent(): Promise<Peer> {
  return listen((socket) => void socket.resume());
}

/** Writes pieces one after the other, with time between for each to arrive alone, and then closes. */
export async function dribble(socket: Socket, pieces: readonly string[], betweenMs: number, close = true): Promise<void> {
  for (const piece of pieces) {
    if (socket.destroyed) return;
    socket.write(piece, "latin1");
    if (betweenMs > 0) await pause(betweenMs);
    else await new Promise<void>((resolve) => setImmediate(resolve));
  }
  if (close) socket.end();
}

/** What a client reported of one call. */
export interface Outcome {
  status: number;
  headers: ReadonlyMap<string, string>;
  body: string;
  bytes: number;
  /** `end`, or why it failed. */
  result: "end" | HttpFailure["reason"];
  failure: HttpFailure | undefined;
  /** Events in the order they came, one entry for chunks in a row. */
  order: string[];
}

export interface Call {
  exchange: HttpExchange;
  outcome: Outcome;
  /** Resolves at `end` or `fail`. */
  over: Promise<Outcome>;
}

/** What to do inside of events, beside recording them. */
type Also = Partial<Pick<HttpEvents, "head" | "chunk">> & { keepBody?: boolean };

export function call(
  client: HttpClient,
  request: Partial<HttpRequest> & { origin: Origin },
  timeouts: Timeouts = PATIENT,
  also: Also = {},
): Call {
  const outcome: Outcome = { status: 0, headers: new Map(), body: "", bytes: 0, result: "broken", failure: undefined, order: [] };
  let settle: (outcome: Outcome) => void = () => {};
  const over = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const exchange = client.send({ method: "POST", path: "/", headers: [], body: "", ...request }, timeouts, {
    head(status, headers) {
      outcome.order.push("head");
      outcome.status = status;
      outcome.headers = headers;
      also.head?.(status, headers);
    },
    chunk(bytes) {
      if (outcome.order.at(-1) !== "chunk") outcome.order.push("chunk");
      outcome.bytes += bytes.length;
      if (also.keepBody !== false) outcome.body += Buffer.from(bytes).toString("latin1");
      also.chunk?.(bytes);
    },
    end() {
      outcome.order.push("end");
      outcome.result = "end";
      settle(outcome);
    },
    fail(failure) {
      outcome.order.push("fail");
      outcome.failure = failure;
      outcome.result = failure.reason;
      settle(outcome);
    },
  });
  return { exchange, outcome, over };
}

export interface Certificates {
  /** PEM of the authority that signed all but `selfSigned` and `unknown`. */
  ca: string;
  good: Certificate;
  wrongHost: Certificate;
  expired: Certificate;
  selfSigned: Certificate;
  /** Signed by an authority that is not trusted. */
  unknown: Certificate;
  /** For the name `upstream.test` only. */
  named: Certificate;
}

/** Makes an authority and certificates with openssl, in a directory that is gone afterwards. */
export function makeCertificates(): Certificates {
  const directory = mkdtempSync(join(tmpdir(), "weir-certificates-"));
  const openssl = (...words: string[]) => execFileSync("openssl", words, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const read = (name: string) => readFileSync(join(directory, name), "utf8");
  const authority = (name: string) =>
    openssl("req", "-x509", ...key, "-keyout", `${name}.key`, "-out", `${name}.pem`, "-days", "2", "-subj", `/CN=${name}`);
  const signed = (name: string, subject: string, days: string, by: string): Certificate => {
    openssl("req", ...key, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${name}`);
    writeFileSync(join(directory, `${name}.ext`), `subjectAltName=${subject}\n`);
    openssl(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      "-CA",
      `${by}.pem`,
      "-CAkey",
      `${by}.key`,
      "-CAcreateserial",
      "-out",
      `${name}.pem`,
      "-days",
      days,
      "-extfile",
      `${name}.ext`,
    );
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) };
  };
  try {
    authority("known");
    authority("stranger");
    const loopback = "DNS:localhost,IP:127.0.0.1";
    openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "self.key",
      "-out",
      "self.pem",
      "-days",
      "2",
      "-subj",
      "/CN=self",
      "-addext",
      `subjectAltName=${loopback}`,
    );
    return {
      ca: read("known.pem"),
      good: signed("good", loopback, "2", "known"),
      wrongHost: signed("wrong", "DNS:other.example", "2", "known"),
      expired: signed("expired", loopback, "-1", "known"),
      unknown: signed("unknown", loopback, "2", "stranger"),
      named: signed("named", "DNS:upstream.test", "2", "known"),
      selfSigned: { key: read("self.key"), cert: read("self.pem") },
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
