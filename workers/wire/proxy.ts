/**
 * The way through an HTTP proxy: CONNECT, for both schemes, so that what travels to the upstream is the same with and without a proxy.
 * Which host goes through it follows curl (`NO_PROXY`: a list by comma or blank; `*`; a name matches itself and what ends in `.name`; a leading dot is ignored;
 * `name:port` is that port only; an address matches itself), and Go for loopback, which never goes through a proxy: it would be the proxy's loopback.
 */
import { Buffer } from "node:buffer";
import { isIP, type Socket } from "node:net";
import type { Origin } from "./http.ts";
import { HeadCollector, parseHead } from "./http1-parser.ts";
import { bareHost, hostAndPort } from "./http1-request.ts";

/** Proxy settings as in the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`. */
export interface ProxySettings {
  https?: string | undefined;
  http?: string | undefined;
  no?: string | undefined;
}

export interface ProxyServer {
  host: string;
  port: number;
  /** The value of `proxy-authorization`. Never logged. */
  authorization: string | undefined;
}

/** Chooses the proxy of an origin; undefined for a direct connection. */
export type ProxyChoice = (origin: Origin) => ProxyServer | undefined;

/** @throws Error for a proxy address that is not `http://[user:password@]host[:port]`; the text does not repeat it, since it may hold a password. */
export function proxyChoice(settings: ProxySettings | undefined): ProxyChoice {
  const https = readProxy(settings?.https, "HTTPS_PROXY");
  const http = readProxy(settings?.http, "HTTP_PROXY");
  const exceptions = (settings?.no ?? "")
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "");
  return (origin) => {
    const proxy = origin.tls ? https : http;
    if (proxy === undefined) return undefined;
    const host = bareHost(origin.host).toLowerCase().replace(/\.$/, "");
    if (isLoopback(host) || exceptions.some((entry) => matches(entry, host, origin.port))) return undefined;
    return proxy;
  };
}

function readProxy(address: string | undefined, variable: string): ProxyServer | undefined {
  if (address === undefined || address.trim() === "") return undefined;
  // curl takes an address without a scheme for http.
  const text = address.includes("://") ? address.trim() : `http://${address.trim()}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || url.hostname === "") throw new Error(`${variable} is not an address of the form http://host:port`);
  if (url.protocol !== "http:") throw new Error(`${variable} begins with ${url.protocol}// and only http:// proxies are supported`);
  const login = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return {
    host: bareHost(url.hostname),
    // The port that curl takes is 1080; every other client's is the scheme's.
    port: url.port === "" ? 80 : Number(url.port),
    authorization: login === ":" ? undefined : `Basic ${Buffer.from(login, "utf8").toString("base64")}`,
  };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host.endsWith(".localhost") || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === "*") return true;
  const parts = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry);
  // More than one colon without brackets: an IPv6 address.
  const name = (parts === null ? entry : (parts[1] ?? parts[2] ?? "")).replace(/^\*?\./, "").replace(/\.$/, "");
  const onlyPort = parts?.[3];
  if (name === "" || (onlyPort !== undefined && Number(onlyPort) !== port)) return false;
  return host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

/**
 * Asks the proxy on a connected socket for a tunnel; `settled` is called once, with the reason where no tunnel was opened.
 * Leaves no listener behind. The caller destroys the socket on failure, and keeps the clock.
 */
export function openTunnel(socket: Socket, proxy: ProxyServer, origin: Origin, settled: (problem: string | undefined) => void): void {
  const target = hostAndPort(origin.host, origin.port);
  const collector = new HeadCollector();
  const settle = (problem: string | undefined) => {
    socket.off("data", onData);
    socket.off("close", onClose);
    settled(problem);
  };
  const onData = (bytes: Buffer) => {
    let status: number;
    try {
      const text = collector.push(bytes, 0, false);
      if (text === undefined) return;
      status = parseHead(text).status;
    } catch (thrown) {
      settle(`the proxy's answer is malformed: ${thrown instanceof Error ? thrown.message : ""}`);
      return;
    }
    if (status < 200 || status > 299)
      settle(
        `the proxy answered CONNECT ${target} with ${status}${status === 407 ? " (its user name or password is missing or wrong)" : ""}`,
      );
    // In TLS and in HTTP the client speaks first, so bytes that come now are not from the upstream.
    else if (collector.used < bytes.length) settle("the proxy sent something into the tunnel unasked");
    else settle(undefined);
  };
  const onClose = () => settle("the proxy closed the connection before it answered CONNECT");
  socket.on("data", onData);
  socket.on("close", onClose);
  const login = proxy.authorization === undefined ? "" : `proxy-authorization: ${proxy.authorization}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${login}\r\n`, "latin1");
}
