/** The configuration with which a process starts: from its file, or for sandbox mode. */
import process from "node:process";
import { ConfigError, type LoadedConfig, loadConfig, readConfig } from "../config/config.ts";
import { type Config, withFixed } from "../contract/config.ts";
import { EXIT_REFUSED } from "../contract/exit.ts";
import { program } from "../runtime/runtime.ts";
import type { Member } from "../supervisor/member.ts";

export interface Configuration {
  config: Config;
  warnings: readonly string[];
  /** The configuration as it was read from its file; undefined in sandbox mode, which has no file. */
  loaded: LoadedConfig | undefined;
  /** Prints for a person which address to open; prints nothing in production, where the log has the address. */
  announce(port: number, adminPort: number): void;
}

/** The configuration of `file`, or of sandbox mode without a file. After a mistake, every mistake is listed and the process ends. */
export async function readConfiguration(
  file: string | undefined,
  environment: Record<string, string | undefined>,
  member: Member | undefined,
): Promise<Configuration> {
  try {
    const read = await loadConfig({ file, environment });
    if (read.config.sandbox && member === undefined) return await sandboxConfiguration(environment);
    if (read.config.sandbox) throw new ConfigError("configuration", ["expected the file that Weir was started with, got none"]);
    const loaded = member === undefined ? read : { ...read, config: withFixed(read.config, await member.settings()) };
    // A process that is started later than the others of its group, from a file that has changed since.
    if (loaded.config.server.tls && loaded.config.identity === undefined)
      throw new ConfigError(loaded.file ?? "configuration", [
        "server.tls: expected it as it was at the start, since its end waits for a restart",
      ]);
    return { config: loaded.config, warnings: loaded.warnings, loaded, announce: () => {} };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    process.exit(EXIT_REFUSED);
  }
}

async function sandboxConfiguration(environment: Record<string, string | undefined>): Promise<Configuration> {
  const { startSandbox } = await import("../sandbox/sandbox.ts");
  const { announceDemo, DEMO_PACE_MS, demoConfiguration } = await import("../sandbox/demo.ts");
  const demo = demoConfiguration(await startSandbox({ paceMs: DEMO_PACE_MS }));
  const { config } = readConfig({ document: demo.document, sandbox: true, environment });
  return {
    config,
    loaded: undefined,
    warnings: ["sandbox mode: nothing is configured, so stand-ins answer in place of the clouds; not for production"],
    announce: (port, adminPort) => {
      const wanted = { port: config.server.port, adminPort: config.admin.port };
      process.stdout.write(announceDemo(demo.secrets, { port, adminPort, wanted, program: program(environment) }));
    },
  };
}
