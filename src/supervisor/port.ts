import { createServer, type Server } from "node:net";

/** A port that no other program listens on, and none can until it is released. */
export interface HeldPort {
  port: number;
  release(): Promise<void>;
}

/**
 * Takes a port for itself alone. Processes that mean to share one cannot tell a stranger who shares it too; one that asks for it alone can.
 * @param port - 0 is any free one.
 * @throws an error with `code: "EADDRINUSE"` where another program listens on it, shared or not.
 */
export function holdPort({ host, port }: { host: string; port: number }): Promise<HeldPort> {
  return new Promise((resolve, reject) => {
    // A client that comes too early is sent away at once, as by a port that is closed.
    const server: Server = createServer((socket) => socket.resetAndDestroy());
    server.once("error", reject);
    server.listen({ host, port }, () => {
      const address = server.address();
      const release = () => new Promise<void>((done) => server.close(() => done()));
      resolve({ port: typeof address === "object" && address !== null ? address.port : port, release });
    });
  });
}
