/** Sends requests over bare sockets, one after the other on each connection. A client library would need more time, and would refuse to send some of them. */
import { connect, type Socket } from "node:net";

export interface Asked {
  method?: string;
  path?: string;
  key?: string | undefined;
  /** More lines of the head, each with its line break. */
  lines?: string;
  body?: Uint8Array | string;
}

export interface Manner {
  /** The connection is closed as soon as the answer begins, as by a client that gives up. */
  leaves?: boolean;
  /** A new connection for each request. */
  isFresh?: boolean;
}

const REOPEN_MS = 10;
const MESSAGES = "/anthropic/eu/v1/messages";
const HEAD_END = "\r\n\r\n";

/** The bytes of a request. */
export function request({ method = "POST", path = MESSAGES, key, lines = "", body = "" }: Asked): Buffer {
  const bytes = Buffer.from(body as string);
  const length = method === "GET" ? "" : `content-type: application/json\r\ncontent-length: ${bytes.length}\r\n`;
  const known = key === undefined ? "" : `x-api-key: ${key}\r\n`;
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${known}${lines}${length}\r\n`), bytes]);
}

/** How often each status and each error of a connection came. */
export type Counts = Record<string, number>;

/** Asks again and again on one connection, until `performance.now()` is `untilMs`. */
export function askOn(
  port: number,
  make: (nth: number) => Buffer,
  untilMs: number,
  counts: Counts,
  { leaves, isFresh }: Manner = {},
): Promise<void> {
  return new Promise((resolve) => {
    let nth = 0;
    let socket: Socket | undefined;
    const isOver = () => performance.now() > untilMs;
    const note = (what: string): void => {
      counts[what] = (counts[what] ?? 0) + 1;
    };
    const open = (): void => {
      if (isOver()) {
        resolve();
        return;
      }
      let text = "";
      const opened = connect(port, "127.0.0.1");
      socket = opened;
      const again = (): void => {
        opened.destroy();
        setImmediate(open);
      };
      const next = (): void => {
        text = "";
        if (isOver()) again();
        else opened.write(make(nth++));
      };
      opened.setNoDelay(true);
      opened.on("connect", next);
      opened.on("error", (thrown: NodeJS.ErrnoException) => note(thrown.code ?? "error"));
      opened.on("close", (hadError) => {
        if (hadError || !opened.writableFinished) setTimeout(() => socket === opened && open(), REOPEN_MS);
      });
      opened.on("end", () => setTimeout(() => socket === opened && open(), REOPEN_MS));
      opened.on("data", (bytes) => {
        text += bytes.toString("latin1");
        const headEnd = text.indexOf(HEAD_END);
        if (headEnd < 0) return;
        const head = text.slice(0, headEnd);
        const status = head.slice(9, 12);
        if (leaves) {
          note(`${status} left`);
          again();
        } else if (isWhole(head, text, headEnd + HEAD_END.length)) {
          note(status);
          if (isFresh || /connection: close/i.test(head)) again();
          else next();
        }
      });
    };
    open();
    setTimeout(
      () => {
        socket?.destroy();
        resolve();
      },
      Math.max(0, untilMs - performance.now()) + 1_000,
    );
  });
}

function isWhole(head: string, text: string, bodyAt: number): boolean {
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length !== undefined) return text.length - bodyAt >= Number(length);
  return !/transfer-encoding: chunked/i.test(head) || text.endsWith("0\r\n\r\n");
}

/** Sends one request and reads nothing of the answer, or `readsBytes` every 50 ms. */
export async function askWithoutReading(port: number, bytes: Buffer, untilMs: number, readsBytes: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("connect", () => socket.write(bytes));
  socket.pause();
  while (performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (readsBytes > 0) socket.read(readsBytes);
  }
  socket.destroy();
}

/** Sends a head, and then ten bytes of the body every 100 ms. */
export async function sendSlowly(port: number, head: Buffer, untilMs: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(head);
  while (performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    socket.write("aaaaaaaaaa");
  }
  socket.destroy();
}
