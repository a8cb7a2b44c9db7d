/** The front's own server over the sockets of the Bun runtime. */
import { Buffer } from "node:buffer";
import type { Identity } from "../contract/config.ts";
import { throwLater } from "../contract/fault.ts";
import type { Connection } from "../http/connection.ts";
import { HttpServer, type ServerOptions } from "../http/server.ts";
import type { Wire } from "../http/wire.ts";
import { plainRefusal } from "../http/written.ts";
import type { Binding, StartListening } from "./resumable.ts";

/** Probes of a silent connection start after this time: so a client that vanished is noticed, even where its answer may take an hour. */
export const TCP_KEEP_ALIVE_MS = 45_000;

type Socket = Bun.Socket<Connection | undefined>;
/** The published types leave out that a port can be shared. */
type SharedBinding = Pick<Bun.TCPSocketListenOptions, "hostname" | "port" | "allowHalfOpen"> & { reusePort: boolean };

/** Throws a handler's error later, outside of the socket: the runtime would treat it as a failure of the socket. It is a fault in Weir, and must be seen. */
function loudly<Rest extends unknown[]>(handle: (socket: Socket, ...rest: Rest) => void): (socket: Socket, ...rest: Rest) => void {
  return (socket, ...rest) => {
    try {
      handle(socket, ...rest);
    } catch (thrown) {
      throwLater(thrown);
    }
  };
}

/** First byte of a TLS connection: the type of a handshake record. */
const TLS_HANDSHAKE = 22;
/** The protocol's name with its length before it, as the handshake needs it. */
const ALPN = "\x08http/1.1";

/** A socket under TLS, with the plain socket below it. */
class SecureWire implements Wire {
  readonly #socket: Socket;
  readonly #under: Bun.Socket<unknown>;
  readonly remoteAddress: string;

  constructor(socket: Socket, under: Bun.Socket<unknown>, remoteAddress: string) {
    this.#socket = socket;
    this.#under = under;
    this.remoteAddress = remoteAddress;
  }

  write(bytes: Buffer, from: number, length: number): number {
    return this.#socket.write(bytes, from, length);
  }

  shutdown(): void {
    this.#socket.shutdown();
  }

  end(): void {
    // The socket's own `end` would wait for the client's answer, which may never come.
    this.#socket.shutdown();
    this.#under.end();
  }

  terminate(): void {
    this.#socket.terminate();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }
}

const HANDLERS: Bun.SocketHandler<Connection | undefined> = {
  // Not through `loudly`, whose rest parameters would cost something for every piece.
  data({ data }, bytes) {
    try {
      data?.received(bytes);
    } catch (thrown) {
      throwLater(thrown);
    }
  },
  drain: loudly(({ data }) => data?.drained()),
  end: loudly(({ data }) => data?.ended()),
  close: loudly(({ data }) => data?.closed()),
  error: loudly(({ data }) => data?.closed()),
};

function plainHandlers(server: HttpServer): Bun.SocketHandler<Connection | undefined> {
  return {
    ...HANDLERS,
    open: loudly((socket) => {
      prepare(socket);
      socket.data = server.accept(socket);
    }),
  };
}

/** Whether the first byte of a connection has been checked. */
type Looked = boolean | undefined;

/** Puts each connection under TLS when it comes, with the certificate that is current then: the runtime cannot change the certificate of a listener. */
function secureHandlers(server: HttpServer, identity: { readonly current: Identity }): Bun.SocketHandler<Looked> {
  return {
    open(under) {
      // A TLS handshake would cost more than the refusal that it carries.
      if (server.isFull) {
        under.terminate();
        return;
      }
      try {
        prepare(under);
        const { cert, key } = identity.current;
        const options: ServerUpgrade = { isServer: true, tls: { cert, key, ALPNProtocols: ALPN }, socket: SECURED };
        // Read before: a socket under TLS does not know it any more.
        const { remoteAddress } = under;
        const [, socket] = under.upgradeTLS(options);
        // The time for a head begins now, so it bounds the handshake too.
        socket.data = server.accept(new SecureWire(socket, under, remoteAddress));
      } catch (thrown) {
        under.terminate();
        throwLater(thrown);
      }
    },
    // These bytes are still encrypted.
    data(under, bytes) {
      if (under.data === true) return;
      under.data = true;
      if (bytes[0] === TLS_HANDSHAKE) return;
      const text = plainRefusal(server.clock.date);
      under.write(Buffer.from(text), 0, text.length);
    },
    error() {},
  };
}

/** A handshake that fails ends the socket by itself. */
const SECURED: Bun.SocketHandler<Connection | undefined> = { ...HANDLERS, handshake() {} };

/** The published types leave out that the server's side of a connection can be upgraded too. */
type ServerUpgrade = Bun.TLSUpgradeOptions<Connection | undefined> & { isServer: true };

function prepare(socket: Bun.Socket<unknown>): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
}

/** One server that may stop and start listening: open calls are served in between. */
export function serveOnSockets(serverOptions: ServerOptions, { host, shared, identity }: Binding): StartListening {
  return async (port) => {
    const server = new HttpServer(serverOptions);
    // A client that has ended its side still gets the rest of its answer.
    const options: SharedBinding = { hostname: host, port, reusePort: shared, allowHalfOpen: true };
    const listener =
      identity === undefined
        ? Bun.listen({ ...options, socket: plainHandlers(server) })
        : Bun.listen({ ...options, socket: secureHandlers(server, identity) });
    return {
      port: listener.port,
      connections: () => server.count,
      retire: () => server.retire(),
      over: undefined,
      stop: () => {
        listener.stop(false);
        server.close();
        return server.empty();
      },
    };
  };
}
