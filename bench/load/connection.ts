/** A keep-alive connection of the load generator. It sends the bytes of a request, and returns the status, the length and the times of the answer. */
import { connect, type Socket } from "bun";
import { type MessageListener, MessageReader } from "../wire.ts";
import type { Expectation, Target } from "./job.ts";

export interface Answer {
  status: number;
  /** The length of the body, in bytes. */
  bytes: number;
  /** When the call began. All times are those of `performance.now()`. */
  begunMs: number;
  firstByteMs: number;
  endedMs: number;
}

/** The counts of one measurement, which all its connections share. */
export class Tally {
  /** The bytes of all bodies. */
  bytes = 0;
  calls = 0;
  /** Pauses between two pieces of a stream, in milliseconds, while `counting`. */
  readonly gapsMs: number[] = [];
  counting = false;
}

const opened = new Set<Connection>();

/** Closes all connections, since those of a failed measurement would keep the process alive. */
export function leaveAll(): void {
  for (const connection of opened) connection.leave();
}

export class Connection implements MessageListener {
  readonly #tally: Tally;
  readonly #reader = new MessageReader(this);
  readonly #name: string;
  #socket: Socket<undefined> | undefined;
  #unsent: Uint8Array | undefined;
  #resolve: ((answer: Answer) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #begunMs = 0;
  #firstByteMs = 0;
  #pieceMs = 0;
  #status = 0;
  #bytes = 0;
  /** Called with the length of the body so far when more of it has come, for callers that leave in the middle. */
  onPiece: ((bytes: number) => void) | undefined;

  private constructor(target: Target, tally: Tally) {
    this.#name = target.name;
    this.#tally = tally;
  }

  static async open(target: Target, tally: Tally): Promise<Connection> {
    const connection = new Connection(target, tally);
    connection.#socket = await connect({
      hostname: target.host,
      port: target.port,
      ...(target.tls === undefined ? {} : { tls: target.tls }),
      socket: {
        data: (_, bytes) => connection.#take(bytes),
        drain: () => connection.#send(),
        close: () => connection.#lost("closed the connection in the middle of an answer"),
        error: (_, error) => connection.#lost(error.message),
        connectError: (_, error) => connection.#lost(error.message),
      },
    });
    opened.add(connection);
    return connection;
  }

  /** False once the server has closed it: servers close connections that were idle for a while. */
  get isOpen(): boolean {
    return this.#socket !== undefined;
  }

  ask(request: Uint8Array): Promise<Answer> {
    if (this.#socket === undefined) return Promise.reject(new Error(`${this.#name}: the connection was closed before the call`));
    this.#begunMs = performance.now();
    this.#firstByteMs = 0;
    this.#bytes = 0;
    this.#unsent = request;
    this.#tally.calls++;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#resolve = resolve;
    this.#reject = reject;
    this.#send();
    return promise;
  }

  /** Closes at once. Its open call neither resolves nor rejects. */
  leave(): void {
    this.#resolve = undefined;
    this.#reject = undefined;
    opened.delete(this);
    this.#socket?.terminate();
  }

  onHead(head: string): void {
    this.#status = Number(head.slice(9, 12));
  }

  onBody(_bytes: Buffer, from: number, to: number): void {
    this.#bytes += to - from;
  }

  onEnd(): void {
    const resolve = this.#resolve;
    this.#resolve = undefined;
    this.#reject = undefined;
    resolve?.({
      status: this.#status,
      bytes: this.#bytes,
      begunMs: this.#begunMs,
      firstByteMs: this.#firstByteMs,
      endedMs: performance.now(),
    });
  }

  #take(bytes: Buffer): void {
    const now = performance.now();
    const isFirst = this.#firstByteMs === 0;
    if (isFirst) this.#firstByteMs = now;
    else if (this.#tally.counting) this.#tally.gapsMs.push(now - this.#pieceMs);
    this.#pieceMs = now;
    const before = this.#bytes;
    this.#reader.feed(bytes);
    this.#tally.bytes += this.#bytes - before;
    this.onPiece?.(this.#bytes);
  }

  #send(): void {
    const unsent = this.#unsent;
    if (unsent === undefined) return;
    const sent = Math.max(0, this.#socket?.write(unsent) ?? 0);
    this.#unsent = sent < unsent.length ? unsent.subarray(sent) : undefined;
  }

  #lost(why: string): void {
    const reject = this.#reject;
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#socket = undefined;
    reject?.(new Error(`${this.#name}: ${why}`));
  }
}

/** The bytes of a request, which are the same for each call. */
export function requestBytes(target: Target, body: string, headers: Record<string, string> = target.headers): Uint8Array {
  const fields = { host: `${target.host}:${target.port}`, "content-type": "application/json", ...headers };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${target.path} HTTP/1.1\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

/** Fails the run where an answer is not the one that was verified before. */
export function check({ name }: Target, expect: Expectation, { status, bytes }: Answer): void {
  if (status === expect.status && bytes >= expect.bytes[0] && bytes <= expect.bytes[1]) return;
  throw new Error(
    `${name}: a wrong answer: status ${status} with ${bytes} bytes, expected ${expect.status} with ${expect.bytes.join(" to ")} bytes`,
  );
}
