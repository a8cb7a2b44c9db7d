/** The front's own server over the sockets of the Bun runtime. */
import { Buffer } from "node:buffer";
import type { Identity } from "../contract/config.ts";
import { throwLater } from "../contract/fault.ts";
import type { Connection } from "../http/connection.ts";
import { HttpServer, type ServerOptions } from "../http/server.ts";
import type { Wire } from "../http/wire.ts";
import { plainRefusal } from "../http/written.ts";
import type { Binding, StartListening } from "./resumable.ts";

/** Probes of a silent connection start after so long: a client that has vanished without a word is noticed, though its answer may take an hour. */
export const TCP_KEEP_ALIVE_MS = 45_000;

type Socket = Bun.Socket<Connection | undefined>;
/** The published types leave out that a port can be shared. */
type SharedBinding = Pick<Bun.TCPSocketListenOptions, "hostname" | "port" | "allowHalfOpen"> & { reusePort: boolean };

/** What a handler throws would be told to the socket as a failure of its own. It is a mistake of ours, and as loud as on any other runtime. */
function loudly<Rest extends unknown[]>(handle: (socket: Socket, ...rest: Rest) => void): (socket: Socket, ...rest: Rest) => void {
  return (socket, ...rest) => {
    try {
      handle(socket, ...rest);
    } catch (thrown) {
      throwLater(thrown);
    }
  };
}

/** The first byte of all that TLS begins with: a handshake. */
const TLS_HANDSHAKE = 22;
/** With its length before it, as the handshake has it. */
const ALPN = "\x08http/1.1";

/** A socket under TLS, with the one that it is over. */
class SecureWire implements Wire {
  readonly #socket: Socket;
  readonly #under: Bun.Socket<unknown>;

  constructor(socket: Socket, under: Bun.Socket<unknown>) {
    this.#socket = socket;
    this.#under = under;
  }

  get remoteAddress(): string {
    return this.#under.remoteAddress;
  }

  write(bytes: Buffer, from: number, length: number): number {
    return this.#socket.write(bytes, from, length);
  }

  shutdown(): void {
    this.#socket.shutdown();
  }

  end(): void {
    // Its own `end` waits for the client's word, which may never come.
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
  // Written out, because it is called for every piece.
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

/** Whether the first byte of a connection has been looked at. */
type Looked = boolean | undefined;

/** Every connection is put under TLS as it comes, by what is current then: the runtime cannot change what a listener shows. */
function secureHandlers(server: HttpServer, identity: { readonly current: Identity }): Bun.SocketHandler<Looked> {
  return {
    open(under) {
      // A handshake would cost more than the refusal that it carries.
      if (server.isFull) {
        under.terminate();
        return;
      }
      try {
        prepare(under);
        const { cert, key } = identity.current;
        const options: ServerUpgrade = { isServer: true, tls: { cert, key, ALPNProtocols: ALPN }, socket: SECURED };
        const [, socket] = under.upgradeTLS(options);
        // Its head has to come within its time, and the handshake before it.
        socket.data = server.accept(new SecureWire(socket, under));
      } catch (thrown) {
        under.terminate();
        throwLater(thrown);
      }
    },
    // What comes here is what TLS has yet to decrypt.
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

/** One that fails ends by itself. */
const SECURED: Bun.SocketHandler<Connection | undefined> = { ...HANDLERS, handshake() {} };

/** The published types leave out that a server can do this too. */
type ServerUpgrade = Bun.TLSUpgradeOptions<Connection | undefined> & { isServer: true };

function prepare(socket: Bun.Socket<unknown>): void {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
}

/** One server, which may listen several times: what it serves goes on while it does not. */
export function serveOnSockets(serverOptions: ServerOptions, { host, shared, identity }: Binding): StartListening {
  return async (port) => {
    const server = new HttpServer(serverOptions);
    // A client that has ended its side still gets what it has coming.
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
