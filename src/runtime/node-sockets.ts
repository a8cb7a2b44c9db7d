/** The front's own server over the sockets of `node:net`, for a runtime that has no leaner ones. */
import { Buffer } from "node:buffer";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { HttpServer, type ServerOptions } from "../http/server.ts";
import type { Wire } from "../http/wire.ts";
import type { Listening, StartListening } from "./resumable.ts";
import { TCP_KEEP_ALIVE_MS } from "./sockets.ts";

/** So many clients wait for their turn to be taken; more than Node's own 511, which a burst of clients exceeds. */
const BACKLOG = 4_096;

class NodeWire implements Wire {
  readonly #socket: Socket;
  readonly #patienceMs: number;

  constructor(socket: Socket, patienceMs: number) {
    this.#socket = socket;
    this.#patienceMs = patienceMs;
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "unknown";
  }

  /** A piece is taken whole, as soon as the system has taken the piece before it. */
  write(bytes: Buffer, from: number, length: number): number {
    const socket = this.#socket;
    if (!socket.writable) return -1;
    if (socket.writableNeedDrain) return 0;
    // A copy: the socket may keep the bytes, and their owner writes over them.
    socket.write(Buffer.from(bytes.subarray(from, from + length)));
    return length;
  }

  shutdown(): void {
    this.#socket.end();
  }

  end(): void {
    const socket = this.#socket;
    socket.destroySoon();
    // What the client does not take would keep the socket for ever.
    if (!socket.destroyed) socket.setTimeout(this.#patienceMs, () => socket.destroy());
  }

  terminate(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

/** As `serveOnSockets`. */
export function serveOnNode(serverOptions: ServerOptions, host: string, shared: boolean): StartListening {
  const { maxConnections, clocks } = serverOptions;
  return async (port) => {
    const server = new HttpServer(serverOptions);
    /** Those too that have been answered, and whose last bytes are on their way. */
    let sockets = 0;
    const take = (socket: Socket): void => {
      socket.on("error", () => {});
      if (sockets >= maxConnections && server.count < maxConnections) {
        socket.destroy();
        return;
      }
      sockets++;
      socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      const connection = server.accept(new NodeWire(socket, clocks.readingMs));
      socket.on("close", () => {
        sockets--;
        connection?.closed();
      });
      if (connection === undefined) return;
      socket.on("data", (bytes: Buffer) => connection.received(bytes));
      socket.on("drain", () => connection.drained());
      socket.on("end", () => connection.ended());
    };
    // A client that has ended its side still gets what it has coming.
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, take);
    await opened(listener, { port, host, reusePort: shared });
    return {
      port: (listener.address() as AddressInfo).port,
      over: failed(listener),
      stop: () => {
        listener.close();
        server.close();
        return server.empty();
      },
    } satisfies Listening;
  };
}

function opened(listener: Server, place: { port: number; host: string; reusePort: boolean }): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen({ ...place, backlog: BACKLOG }, () => {
      listener.off("error", reject);
      resolve();
    });
  });
}

/** It fails where no descriptor is left for a new client. */
function failed(listener: Server): Promise<void> {
  return new Promise((_, reject) => listener.on("error", reject));
}
