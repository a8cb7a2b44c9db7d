/** Wires over `node:net` and `node:tls`, on every runtime: direct or through a proxy's tunnel, plain or TLS. */
import type { Buffer } from "node:buffer";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { ByteText } from "../../../src/contract/bytes.ts";
import type { Origin } from "../http.ts";
import { bareHost, hostAndPort } from "../http1-request.ts";
import { openTunnel } from "../proxy.ts";
import { type Dialing, describe, type Route, type Settled, TCP_KEEP_ALIVE_MS, type Wire, type WireListener } from "./wire.ts";

class NodeWire implements Wire {
  /** Some runtimes read as much here too, but their socket loses what it has read when it is paused while its peer closes. */
  readonly readsMuch = false;
  listener: WireListener | undefined;
  readonly #socket: Socket;

  constructor(socket: Socket, origin: Origin) {
    this.#socket = socket;
    socket.on("data", (bytes: Buffer) => this.listener?.received(bytes));
    socket.on("drain", () => this.listener?.drained());
    socket.on("error", (error) => this.listener?.failed(describe(error, origin)));
    socket.on("end", () => this.listener?.ended());
    socket.on("close", () => this.listener?.closed());
  }

  get flushed(): boolean {
    return this.#socket.writableLength === 0;
  }

  write(text: ByteText): boolean {
    return this.#socket.write(text, "latin1");
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.listener = undefined;
    this.#socket.destroy();
  }
}

/** See `Dial`. */
export function dialNode(route: Route, settled: Settled): Dialing {
  const { origin, proxy } = route;
  const sockets: Socket[] = [];
  let over = false;
  // Set to undefined when it has been called: the error listeners below live as long as the connection, and the first call's body must not.
  let report: Settled | undefined = settled;

  const finish = (socket: Socket | undefined, problem: string) => {
    if (over) return;
    over = true;
    if (socket === undefined) for (const each of sockets) each.destroy();
    const once = report;
    report = undefined;
    once?.(socket === undefined ? undefined : new NodeWire(socket, origin), problem);
  };

  /** The error listener stays for good: a socket that fails after it was destroyed must not bring the thread down. */
  const watch = (socket: Socket, ready: "connect" | "secureConnect", where: string, next: () => void) => {
    sockets.push(socket);
    socket.on("error", (error) => finish(undefined, `${where}: ${describe(error, origin)}`));
    const onClose = () => finish(undefined, `${where}: the peer closed the connection`);
    socket.once("close", onClose);
    socket.once(ready, () => {
      socket.off("close", onClose);
      if (!over) next();
    });
    return socket;
  };

  const target = hostAndPort(origin.host, origin.port);
  const tlsOptions = {
    host: bareHost(origin.host),
    ALPNProtocols: ["http/1.1"],
    // Written here, so that NODE_TLS_REJECT_UNAUTHORIZED=0 cannot switch it off.
    rejectUnauthorized: true,
    // SNI carries names only; for an address the certificate is still checked against `host`.
    ...(isIP(bareHost(origin.host)) === 0 ? { servername: origin.host } : {}),
    ...(route.trust === undefined ? {} : { secureContext: route.trust }),
  };

  const handOver = (socket: Socket) => {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, TCP_KEEP_ALIVE_MS);
    finish(socket, "");
  };

  const secure = (socket: TLSSocket) => {
    watch(socket, "secureConnect", `TLS with ${target} failed`, () => {
      if (socket.authorized) handOver(socket);
      else finish(undefined, `TLS with ${target} failed: ${describe(socket.authorizationError, origin)}`);
    });
  };

  try {
    if (proxy !== undefined) {
      const where = `connecting to the proxy ${hostAndPort(proxy.host, proxy.port)} failed`;
      const tunnel = watch(connectPlain({ host: proxy.host, port: proxy.port }), "connect", where, () =>
        openTunnel(tunnel, proxy, origin, (problem) => {
          if (over) return;
          if (problem !== undefined) finish(undefined, `no tunnel through ${hostAndPort(proxy.host, proxy.port)}: ${problem}`);
          else if (origin.tls) secure(connectTls({ ...tlsOptions, socket: tunnel }));
          else handOver(tunnel);
        }),
      );
    } else if (origin.tls) secure(connectTls({ ...tlsOptions, port: origin.port }));
    else {
      const plain = watch(
        connectPlain({ host: bareHost(origin.host), port: origin.port }),
        "connect",
        `connecting to ${target} failed`,
        () => handOver(plain),
      );
    }
  } catch (thrown) {
    // A port out of range, a certificate that cannot be read.
    queueMicrotask(() => finish(undefined, `connecting to ${target} failed: ${describe(thrown, origin)}`));
  }

  return {
    cancel() {
      over = true;
      report = undefined;
      for (const each of sockets) each.destroy();
    },
  };
}
