/** Opens connections: direct or through a proxy's tunnel, plain or TLS. A connection is handed over when it can carry a request. */
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import type { Origin } from "./http.ts";
import { bareHost, hostAndPort } from "./http1-request.ts";
import { openTunnel, type ProxyServer } from "./proxy.ts";

/** Node's, Bun's and Deno's codes for a certificate that does not verify (OpenSSL's names, and Node's own for the host name). */
const CERTIFICATE_CODE = /CERT|^UNABLE_TO_|SELF_SIGNED|^HOSTNAME_|^INVALID_(?:CA|PURPOSE)|^PATH_LENGTH_|CRL/;

/** Probes start after this much silence: below the idle limits of the NAT gateways and load balancers on the way, so a model may think for minutes. */
const TCP_KEEP_ALIVE_MS = 45_000;

interface Route {
  origin: Origin;
  proxy: ProxyServer | undefined;
  /** Undefined: the thread's default. */
  trust: SecureContext | undefined;
}

export interface Dialing {
  /** Gives up; the outcome is not reported. */
  cancel(): void;
}

/** Connects; `settled` is called once and never before `dial` returns: with a socket that has no listeners but this file's, or with what went wrong. */
export function dial(route: Route, settled: (socket: Socket | undefined, problem: string) => void): Dialing {
  const { origin, proxy } = route;
  const sockets: Socket[] = [];
  let over = false;
  // Let go of when it has been called: the error listeners below live as long as the connection, and the first call's body must not.
  let report: typeof settled | undefined = settled;

  const finish = (socket: Socket | undefined, problem: string) => {
    if (over) return;
    over = true;
    if (socket === undefined) for (const each of sockets) each.destroy();
    const once = report;
    report = undefined;
    once?.(socket, problem);
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
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED=0 cannot switch it off.
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

/** An error of the system as one line: message and code. */
export function describe(thrown: unknown, origin: Origin): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { code } = thrown as NodeJS.ErrnoException;
  // Where a name has several addresses the error is one of many, and its own message is empty.
  const first: unknown = thrown instanceof AggregateError ? thrown.errors[0] : undefined;
  const message = thrown.message !== "" ? thrown.message : first instanceof Error ? first.message : "";
  const text = code === undefined || message.includes(code) ? message : `${message} (${code})`;
  if (code === undefined || !CERTIFICATE_CODE.test(code)) return text;
  return `the certificate of ${hostAndPort(origin.host, origin.port)} does not verify: ${text}`;
}
