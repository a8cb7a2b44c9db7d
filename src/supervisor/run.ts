import { createServer, type Server } from "node:net";
import process from "node:process";
import type { Config } from "../contract/config.ts";
import { asGatewayError } from "../contract/errors.ts";
import { webHandler } from "../http/web.ts";
import type { Log } from "../log/log.ts";
import { watchDescriptors } from "../runtime/descriptors.ts";
import { open, refusePort } from "../runtime/open.ts";
import { sameCommand } from "../runtime/runtime.ts";
import { onEnding } from "../runtime/signals.ts";
import { type AdminHandler, problem } from "./admin.ts";
import { type HeldPort, Supervisor } from "./supervisor.ts";

export interface SuperviseOptions {
  config: Config;
  environment: Readonly<Record<string, string | undefined>>;
  logging: Log;
  /** Checks each request of the admin listener first. */
  hosts: { refusal(request: Request): Response | undefined };
  tellListening(log: Log["log"], config: Config, port: number, adminPort: number): void;
}

/** Makes this process the supervisor: it starts several processes, watches them, and answers on the admin listener for all of them. */
export async function supervise({ config, environment, logging, hosts, tellListening }: SuperviseOptions): Promise<void> {
  const { log, forward, end } = logging;
  const held = await holdPort(config.server).catch((thrown) => refusePort(thrown, config.server));
  const onFault = (thrown: unknown) => log.error({ cause: asGatewayError(thrown).detail.log }, "the admin listener failed");
  let handleAdmin: AdminHandler = async () => problem("The gateway is starting.", 503);
  const listener = await open(config, {
    ...config.admin,
    handle: webHandler((request, address) => hosts.refusal(request) ?? handleAdmin(request, address)),
    refuse: (_, { message, status }) => problem(message, status),
    onFault,
  });
  // Replacing a process needs descriptors: clients of this listener must not take the last ones.
  watchDescriptors(listener, undefined, log);
  const supervisor = new Supervisor({
    config,
    log,
    command: sameCommand(),
    environment,
    held,
    listenAdmin: (handle) => {
      handleAdmin = handle;
      return listener.port;
    },
    onLines: forward,
    onServing: ({ port, adminPort }) => tellListening(log, config, port, adminPort),
    leave: (exitCode) => void end().then(() => process.exit(exitCode)),
  });
  process.on("SIGHUP", () => supervisor.reload());
  onEnding(
    () => supervisor.drain(),
    () => supervisor.kill(),
  );
}

/**
 * Takes a port without sharing it. Processes that share a port do not notice another program that shares it too; a process that takes the port alone
 * does notice.
 * @param port - 0 for any free port
 * @throws an error with `code: "EADDRINUSE"` where another program listens on it, shared or not.
 */
function holdPort({ host, port }: { host: string; port: number }): Promise<HeldPort> {
  return new Promise((resolve, reject) => {
    // A client that comes too early is refused at once, as by a closed port.
    const server: Server = createServer((socket) => socket.resetAndDestroy());
    server.once("error", reject);
    server.listen({ host, port }, () => {
      const address = server.address();
      const release = () => new Promise<void>((done) => server.close(() => done()));
      resolve({ port: typeof address === "object" && address !== null ? address.port : port, release });
    });
  });
}
