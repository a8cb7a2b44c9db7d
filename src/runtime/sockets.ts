/** The front's own server over the sockets of the Bun runtime. */
import { throwLater } from "../contract/fault.ts";
import type { Connection } from "../http/connection.ts";
import { HttpServer, type ServerOptions } from "../http/server.ts";
import type { StartListening } from "./resumable.ts";

/** Probes of a silent connection start after so long: a client that has vanished without a word is noticed, though its answer may take an hour. */
export const TCP_KEEP_ALIVE_MS = 45_000;

type Socket = Bun.Socket<Connection | undefined>;
/** The published types leave out that a port can be shared. */
type SharedListenOptions = Bun.TCPSocketListenOptions<Connection | undefined> & { reusePort: boolean };

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

/** One server, which may listen several times: what it serves goes on while it does not. */
export function serveOnSockets(serverOptions: ServerOptions, host: string, shared: boolean): StartListening {
  const handlers: Bun.SocketHandler<Connection | undefined> = {
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
  return async (port) => {
    const server = new HttpServer(serverOptions);
    const options: SharedListenOptions = {
      hostname: host,
      port,
      reusePort: shared,
      // A client that has ended its side still gets what it has coming.
      allowHalfOpen: true,
      socket: {
        ...handlers,
        open: loudly((socket) => {
          socket.setNoDelay(true);
          socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
          socket.data = server.accept(socket);
        }),
      },
    };
    const listener = Bun.listen(options);
    return {
      port: listener.port,
      over: undefined,
      stop: () => {
        listener.stop(false);
        server.close();
        return server.empty();
      },
    };
  };
}
