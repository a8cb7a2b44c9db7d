/** The servers that sit the exam, each on another port. */
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { toByteText } from "../../../src/contract/bytes.ts";
import { type Asked, Reply, ReplyHeaders } from "../../../src/contract/http.ts";
import type { ServerOptions } from "../../../src/http/server.ts";
import { serveOnNode } from "../../../src/runtime/node-sockets.ts";
import type { Binding } from "../../../src/runtime/resumable.ts";
import { serveOnSockets } from "../../../src/runtime/sockets.ts";
import { echo } from "./echo.ts";

/** Long enough never to fire in a test that does not mean it. */
export const PATIENT = { headMs: 20_000, sendingMs: 20_000, readingMs: 20_000, idleMs: 20_000 };

/** Gathers a body and says what it has understood. */
export function echoing(asked: Asked): Promise<Reply> | Reply {
  const whole = asked.takeBody();
  if (whole !== undefined) return echoed(asked, typeof whole === "string" ? whole : toByteText(whole));
  return new Promise((resolve) => {
    let body = "";
    asked.read({
      piece: (bytes) => {
        body += toByteText(bytes);
        return true;
      },
      end: () => resolve(echoed(asked, body)),
      broken: ({ reason, text }) => resolve(new Reply(reason === "silent" ? 408 : 400, new ReplyHeaders(), text)),
    });
  });
}

function echoed({ method, url }: Asked, body: string): Reply {
  return new Reply(200, new ReplyHeaders({ "content-type": "text/plain", "x-method": method }), echo(method, url, body));
}

/** A refusal in as few words as possible. */
export function refusing(_asked: Asked, flaw: { status: number; message: string }): Reply {
  return new Reply(flaw.status, new ReplyHeaders({ "content-type": "text/plain" }), flaw.message);
}

export interface Examined {
  port: number;
  stop(): Promise<void>;
}

/** Ours on the sockets of Bun. */
export function ours(options: Partial<ServerOptions> = {}, identity?: Binding["identity"]): Promise<Examined> {
  return served(serveOnSockets, options, identity);
}

/** Ours on the sockets of `node:net`, on the runtime of this process. */
export function overNode(options: Partial<ServerOptions> = {}, identity?: Binding["identity"]): Promise<Examined> {
  return served(serveOnNode, options, identity);
}

async function served(serve: typeof serveOnSockets, options: Partial<ServerOptions>, identity: Binding["identity"]): Promise<Examined> {
  const faults: unknown[] = [];
  const listening = await serve(
    { clocks: PATIENT, maxConnections: 10_000, handle: echoing, refuse: refusing, onFault: (thrown) => faults.push(thrown), ...options },
    { host: "127.0.0.1", shared: false, identity },
  )(0);
  return {
    port: listening.port,
    async stop() {
      await listening.stop();
      if (faults.length > 0) throw faults[0];
    },
  };
}

/** A program that says its port, and ends with its standard input. */
export async function program(command: string, words: readonly string[]): Promise<Examined> {
  const root = fileURLToPath(new URL("../../../", import.meta.url));
  const child = spawn(command, words, { cwd: root, stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", (bytes: Buffer) => resolve(Number(bytes.toString())));
    child.on("error", reject);
    child.on("close", () => reject(new Error(`${command} did not listen`)));
  });
  return {
    port,
    stop() {
      child.stdin.end();
      return ended;
    },
  };
}

/**
 * Sends pieces, each by itself, and gives what comes until the server closes.
 * @param isPatient - A connection that stays open is no mistake: what has come by then is given.
 */
export function converse(port: number, pieces: readonly string[], patienceMs = 5_000, isPatient = false): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect({ port, host: "127.0.0.1" }, async () => {
      socket.setNoDelay(true);
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece, "latin1");
        if (pieces.length > 1) await new Promise<void>((sent) => setImmediate(sent));
      }
    });
    const timer = setTimeout(() => {
      socket.destroy();
      if (isPatient) resolve(received);
      else reject(new Error(`the connection stayed open after ${JSON.stringify(received.slice(0, 300))}`));
    }, patienceMs);
    socket.on("data", (bytes: Buffer) => {
      received += bytes.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(received);
    });
  });
}
