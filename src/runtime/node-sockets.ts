/** The front's own server over the sockets of `node:net`, for a runtime that has no leaner ones. */
import { Buffer } from "node:buffer";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { Identity } from "../contract/config.ts";
import { HttpServer, type ServerOptions } from "../http/server.ts";
import type { Wire } from "../http/wire.ts";
import type { Binding, Listening, StartListening } from "./resumable.ts";
import { TCP_KEEP_ALIVE_MS } from "./sockets.ts";

/** So many clients wait for their turn to be taken; more than Node's own 511, which a burst of clients exceeds. */
const BACKLOG = 4_096;

class NodeWire implements Wire {
  readonly #socket: Socket;
  readonly #patienceMs: number;
  /** Under TLS: the handshake is over. Before that nothing can be said. */
  isOpen = true;

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
    if (!this.isOpen) {
      socket.destroy();
      return;
    }
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
export function serveOnNode(serverOptions: ServerOptions, { host, shared, identity }: Binding): StartListening {
  const { maxConnections, clocks } = serverOptions;
  return async (port) => {
    const server = new HttpServer(serverOptions);
    const secure = identity === undefined ? undefined : securing(identity);
    /** Those too that have been answered, and whose last bytes are on their way. */
    let sockets = 0;
    const take = (under: Socket): void => {
      under.on("error", () => {});
      // A handshake would cost more than the refusal that it carries.
      if (sockets >= maxConnections && (secure !== undefined || !server.isFull)) {
        under.destroy();
        return;
      }
      sockets++;
      under.on("close", () => sockets--);
      under.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
      const socket = secure?.(under) ?? under;
      // Its head has to come within its time, and the handshake before it.
      const wire = new NodeWire(socket, clocks.readingMs);
      if (secure !== undefined) {
        wire.isOpen = false;
        socket.once("secure", () => {
          wire.isOpen = true;
        });
      }
      const connection = server.accept(wire);
      if (connection === undefined) return;
      socket.on("close", () => connection.closed());
      socket.on("data", (bytes: Buffer) => connection.received(bytes));
      socket.on("drain", () => connection.drained());
      socket.on("end", () => connection.ended());
    };
    // A client that has ended its side still gets what it has coming.
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, take);
    await opened(listener, { port, host, reusePort: shared });
    return {
      port: (listener.address() as AddressInfo).port,
      connections: () => server.count,
      retire: () => server.retire(),
      over: failed(listener),
      stop: () => {
        listener.close();
        server.close();
        return server.empty();
      },
    } satisfies Listening;
  };
}

/** Puts sockets under TLS, by what is current then. */
function securing(identity: { readonly current: Identity }): (under: Socket) => TLSSocket {
  let made: { of: Identity; context: SecureContext } | undefined;
  return (under) => {
    const { current } = identity;
    if (made?.of !== current) made = { of: current, context: createSecureContext({ cert: current.cert, key: current.key }) };
    const socket = new TLSSocket(under, { isServer: true, secureContext: made.context, ALPNProtocols: ["http/1.1"] });
    // A handshake that fails.
    socket.on("error", () => under.destroy());
    under.on("close", () => socket.destroy());
    return socket;
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
