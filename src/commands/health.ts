/** `weir health`: whether the gateway of this configuration is alive on this machine. For containers, which ask every few seconds. */
import { get } from "node:http";
import { get as getSecurely } from "node:https";
import { ConfigError, readConfig } from "../config/config.ts";
import type { Outcome } from "./command.ts";

const PATIENCE_MS = 2_000;

interface Address {
  host: string;
  port: number;
  /** It speaks TLS. */
  tls?: boolean;
}

/**
 * Exit code 0 where it is alive. A gateway that drains is alive, and answers on its admin port until its end. Where the configuration cannot be read, the
 * exit code is 0 too: a running gateway goes on with the configuration before, so it must not be ended for that.
 */
export async function runHealth(environment: Readonly<Record<string, string | undefined>>): Promise<Outcome> {
  let addresses: Address[];
  try {
    const { server, admin } = readConfig({ environment }).config;
    addresses = [server, admin];
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    return { text: "weir: the configuration cannot be read now, so no listener was asked\n", exitCode: 0 };
  }
  for (const address of addresses) if (await answers(address)) return { text: "ok\n", exitCode: 0 };
  const asked = addresses.map(({ host, port }) => `${host}:${port}`).join(" and ");
  return { text: `weir: nothing answers /healthz at ${asked}\n`, exitCode: 1 };
}

/** Asks with `node:http`, which uses no proxy. */
function answers({ host, port, tls = false }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const request = { host: reachable(host), port, path: "/healthz", agent: false as const, timeout: PATIENCE_MS };
    // Nothing secret is sent, and nothing that is received is trusted. The certificate is for another host name.
    const asked = tls ? getSecurely({ ...request, rejectUnauthorized: false }) : get(request);
    asked.on("response", (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false));
    asked.on("close", () => resolve(false));
  });
}

/** The host to connect to, on the same machine, for a listener on `host`: loopback for a listener on all addresses. Without brackets. */
export function reachable(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return bare === "0.0.0.0" ? "127.0.0.1" : bare === "::" ? "::1" : bare;
}
