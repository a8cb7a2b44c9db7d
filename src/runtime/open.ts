import { isIP } from "node:net";
import process from "node:process";
import type { Config } from "../contract/config.ts";
import { EXIT_REFUSED } from "../contract/exit.ts";
import { isAddressInUse, type Listener, type ListenOptions, listen } from "./runtime.ts";

/** Starts listening, or ends this process where that fails. Without a configuration a port in use is not fatal: the next free one is taken. */
export async function open(
  { sandbox, server }: Pick<Config, "sandbox" | "server">,
  options: Omit<ListenOptions, "clocks" | "maxConnections">,
): Promise<Listener> {
  const attempts = sandbox ? 50 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return await listen({ ...options, clocks: server.clocks, maxConnections: server.maxConnections, port: options.port + attempt - 1 });
    } catch (thrown) {
      if (attempt === attempts || !isAddressInUse(thrown)) refusePort(thrown, options);
    }
  }
}

/** Ends this process with one line that says why the port cannot be used, and what to do. */
export function refusePort(thrown: unknown, { host, port }: { host: string; port: number }): never {
  // A host that is no address may be any text that was written in its place, so it is not printed.
  const place = isIP(host) === 0 && host !== "localhost" ? "the configured host" : host;
  process.stderr.write(`weir: port ${port} on ${place} ${trouble(thrown, port)}\n`);
  process.exit(EXIT_REFUSED);
}

/** The reason in our own words: runtimes differ in theirs. An address that cannot be listened on is a mistake of the configuration. */
export function trouble(thrown: unknown, port: number): string {
  const { code } = thrown as { code?: unknown };
  if (isAddressInUse(thrown)) return "is taken: free it, or choose another one in the configuration";
  if (code === "EACCES") {
    const cure =
      port < 1024 ? "choose one from 1024 on, or allow this user those below (net.ipv4.ip_unprivileged_port_start)" : "choose another one";
    return `may not be opened by this user: ${cure}`;
  }
  // Deno gives the second code.
  if (code === "EADDRNOTAVAIL" || code === "EINVAL")
    return "cannot be opened: this machine has no such address; write one of its addresses as host, or 0.0.0.0 for all of them";
  return `cannot be opened (${typeof code === "string" ? code : "unknown reason"}): write an address of this machine as host, or 0.0.0.0 for all of them`;
}
