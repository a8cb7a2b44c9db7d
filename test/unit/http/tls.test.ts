/** TLS under the front's own server, over both kinds of sockets. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect as connectPlain, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { type Asked, Reply, ReplyHeaders } from "../../../src/contract/http.ts";
import { OutgoingStream } from "../../../src/contract/stream.ts";
import { makeIdentity } from "../../support/identities.ts";
import { eventually } from "../../support/waits.ts";
import { converse, type Examined, echoing, ours, overNode, PATIENT } from "./examined.ts";

const [first, second] = [makeIdentity("first"), makeIdentity("second", { rsa: true })];
const LAST = "Host: gw\r\nConnection: close\r\n\r\n";
const HEAD_MS = 300;
const LARGE = 20_000_000;

/** Sends, and notes what becomes of it. */
class Client {
  received = "";
  /** `open`, `ended` by the other side, or the code of an error. */
  state = "open";
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (bytes: Buffer) => {
      this.received += bytes.toString("latin1");
    });
    socket.on("end", () => {
      this.state = "ended";
    });
    socket.on("error", (error) => {
      this.state = String((error as { code?: unknown }).code ?? error.message);
    });
  }

  isOver(): boolean {
    return this.state !== "open";
  }
}

/** Whether the server still holds its end of a connection. */
function isHeld(port: number, { localPort = 0 }: Socket): boolean {
  const end = (each: number) => `0100007F:${each.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8").includes(` ${end(port)} ${end(localPort)} 01 `);
}

describe.each([
  ["on Bun's sockets", ours],
  ["on node:net", overNode],
])("%s", (_, serve) => {
  const identity = { current: first };
  const streams: OutgoingStream[] = [];
  let lefts = 0;
  let server: Examined;
  const handle = (asked: Asked) => {
    if (asked.url === "/large") return new Reply(200, new ReplyHeaders(), "x".repeat(LARGE));
    if (asked.url === "/address") return new Reply(200, new ReplyHeaders(), asked.address);
    if (asked.url !== "/stream") return echoing(asked);
    const stream = new OutgoingStream({ drained() {}, left: () => lefts++ });
    streams.push(stream);
    stream.write("begin,");
    return new Reply(200, new ReplyHeaders(), stream);
  };
  beforeAll(async () => {
    server = await serve({ handle, clocks: { ...PATIENT, headMs: HEAD_MS } }, identity);
  });
  afterAll(() => server.stop());

  const secured: TLSSocket[] = [];
  afterAll(() => {
    for (const socket of secured) socket.destroy();
  });
  async function open(options: ConnectionOptions = {}): Promise<TLSSocket> {
    const socket = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["http/1.1"], ...options });
    secured.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", resolve);
      socket.once("error", reject);
    });
    return socket;
  }
  async function ask(request: string): Promise<Client> {
    const client = new Client(await open());
    client.socket.write(request, "latin1");
    return client;
  }

  test("requests are read and answered, one after the other, and the connection ends with the last", async () => {
    const client = await ask(`POST /one HTTP/1.1\r\nHost: gw\r\nContent-Length: 2\r\n\r\nhiGET /two HTTP/1.1\r\n${LAST}`);
    await eventually(() => client.isOver(), "the end");
    expect(client.state).toBe("ended");
    expect(client.received).toMatch(/^HTTP\/1\.1 200[\s\S]*POST \/one "hi"HTTP\/1\.1 200[\s\S]*GET \/two ""$/);
  });

  test("the address of a client is known, as without TLS", async () => {
    const client = await ask(`GET /address HTTP/1.1\r\n${LAST}`);
    await eventually(() => client.isOver(), "the end");
    expect(client.received.split("\r\n\r\n")[1]).toBe("127.0.0.1");
  });

  test("TLS 1.2 and 1.3 are spoken, and nothing older; http/1.1 is chosen by name, and a client that knows only other protocols is refused", async () => {
    for (const version of ["TLSv1.2", "TLSv1.3"] as const) {
      const socket = await open({ minVersion: version, maxVersion: version });
      expect([socket.getProtocol(), socket.alpnProtocol]).toEqual([version, "http/1.1"]);
    }
    expect((await open({ ALPNProtocols: [] })).alpnProtocol || false).toBe(false);
    expect((await open({ ALPNProtocols: ["h2", "http/1.1"] })).alpnProtocol).toBe("http/1.1");
    await expect(open({ ALPNProtocols: ["h2"] })).rejects.toThrow();
    await expect(open({ minVersion: "TLSv1", maxVersion: "TLSv1.1" })).rejects.toThrow();
  });

  test("a certificate that has changed is shown to new clients, and the others go on with the one that they saw", async () => {
    const early = await ask("GET /stream HTTP/1.1\r\nHost: gw\r\n\r\n");
    await eventually(() => early.received.includes("begin,"), "the beginning");
    identity.current = second;
    expect((await open()).getPeerCertificate().subject.CN).toBe("second");
    streams.at(-1)?.write("end");
    streams.at(-1)?.close();
    await eventually(() => early.received.endsWith("3\r\nend\r\n0\r\n\r\n"), "the end of the stream");
    early.socket.write(`GET /again HTTP/1.1\r\n${LAST}`);
    await eventually(() => early.received.endsWith('GET /again ""'), "the next answer");
    identity.current = first;
    expect((await open()).getPeerCertificate().subject.CN).toBe("first");
  });

  test("an answer of many megabytes comes whole to a client that takes it late, and its connection goes on", async () => {
    const client = await ask("GET /large HTTP/1.1\r\nHost: gw\r\n\r\n");
    client.socket.pause();
    await eventually(() => client.socket.bytesRead > 0, "the beginning");
    client.socket.resume();
    await eventually(() => client.received.length > LARGE, "all of it");
    client.socket.write(`GET /next HTTP/1.1\r\n${LAST}`);
    await eventually(() => client.received.endsWith('GET /next ""'), "the next answer");
  });

  test("a client that leaves a stream is noticed, with a word of its end or without", async () => {
    for (const leave of [(socket: Socket) => socket.end(), (socket: Socket) => socket.destroy()]) {
      const before = lefts;
      const client = await ask("GET /stream HTTP/1.1\r\nHost: gw\r\n\r\n");
      await eventually(() => client.received.includes("begin,"), "the beginning");
      leave(client.socket);
      await eventually(() => lefts > before, "word of it");
    }
  });

  test("a stream that breaks off does not look complete", async () => {
    const client = await ask("GET /stream HTTP/1.0\r\nHost: gw\r\n\r\n");
    await eventually(() => client.received.includes("begin,"), "the beginning");
    streams.at(-1)?.abort();
    await eventually(() => client.isOver(), "the end");
    expect(client.state).not.toBe("ended");
  });

  test("plain HTTP gets an answer that says so, or is at least closed at once", async () => {
    const answer = await converse(server.port, [`GET / HTTP/1.1\r\n${LAST}`], 1_000);
    if (serve === ours) expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*connection: close\r\n[\s\S]*https/);
  });

  test("bytes that are not a whole handshake are closed: garbage at once, silence and halves when a head is late", async () => {
    for (const garbage of ["\x16\x03\x01\x00\x05hello", "\x80\x2e\x01", "\0".repeat(100)])
      expect(await converse(server.port, [garbage], 2 * HEAD_MS + 3_000)).not.toContain("200");
    const half = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    const began = performance.now();
    await Promise.all(["", half].map((text) => converse(server.port, text === "" ? [] : [text], 5_000)));
    expect(performance.now() - began).toBeGreaterThan(HEAD_MS - 50);
    const client = new Client(await open());
    await eventually(() => client.isOver(), "a connection without a request to be closed");
  });

  test("a client that does not answer the end of TLS does not keep its connection", async () => {
    const socket = await open({ allowHalfOpen: true } as ConnectionOptions);
    socket.resume();
    socket.write(`GET / HTTP/1.1\r\n${LAST}`);
    await eventually(() => !isHeld(server.port, socket), "the connection to be let go of");
  });

  test("when no more connections are allowed, the next one is closed before its handshake, and there is room again afterwards", async () => {
    const small = await serve({ maxConnections: 2 }, identity);
    const taken = [connectPlain(small.port, "127.0.0.1"), connectPlain(small.port, "127.0.0.1")];
    await Promise.all(taken.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
    const place = { port: small.port, host: "127.0.0.1", rejectUnauthorized: false };
    const attempt = () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(place, () => {
          resolve(true);
          socket.destroy();
        });
        socket.on("error", () => resolve(false));
      });
    expect(await attempt()).toBe(false);
    for (const socket of taken) socket.destroy();
    let hasRoom = false;
    await eventually(() => {
      void attempt().then((is) => {
        hasRoom ||= is;
      });
      return hasRoom;
    }, "room");
    await small.stop();
  });
});
