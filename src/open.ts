import process from "node:process";
import type { Config } from "./contract/config.ts";
import { isAddressInUse, type Listener, type ListenOptions, listen } from "./runtime.ts";

const EXIT_REFUSED = 1;

/** Starts listening, or ends this process where somebody else does. With no configuration a port that is taken is not fatal: the next free one is used. */
export function open({ sandbox, server }: Pick<Config, "sandbox" | "server">, options: Omit<ListenOptions, "clocks">): Listener {
  const attempts = sandbox ? 50 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return listen({ ...options, clocks: server.clocks, port: options.port + attempt - 1 });
    } catch (thrown) {
      if (attempt === attempts || !isAddressInUse(thrown)) refusePort(thrown, options);
    }
  }
}

/** Ends this process where `thrown` says that the port is taken. */
export function refusePort(thrown: unknown, { host, port }: { host: string; port: number }): never {
  if (!isAddressInUse(thrown)) throw thrown;
  process.stderr.write(`weir: port ${port} on ${host} is taken: free it, or choose another one in the configuration\n`);
  process.exit(EXIT_REFUSED);
}
