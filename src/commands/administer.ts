import { cwd } from "node:process";
import { ConfigError, readConfig } from "../config/config.ts";
import { readSecret } from "../config/files.ts";
import type { Config } from "../contract/config.ts";
import { keptAdminToken } from "../sandbox/demo-secrets.ts";
import { Administration, type AdminTransport, CommandRefusal } from "./administration.ts";
import { type AdminSubcommand, type Outcome, UsageMistake } from "./command.ts";
import { reachable } from "./health.ts";
import type { Administering } from "./line.ts";
import { overStore } from "./store.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Every change takes much less time. */
const PATIENCE_MS = 15_000;

/** Runs a command of administrators, at a running gateway or on the store of the configuration. */
export async function runAdminister(asked: Administering, environment: Environment): Promise<Outcome> {
  const { program, subcommand, argument, options, json, file } = asked;
  if (subcommand.runOnStore !== undefined) return await subcommand.runOnStore(argument, { file, environment });
  let transport: AdminTransport | undefined;
  try {
    transport = await chooseTransport(asked, subcommand, environment);
    const shown = await subcommand.run(new Administration(transport), argument, options, program);
    return { text: json ? `${JSON.stringify(shown.json, null, 2)}\n` : `${shown.text}\n`, exitCode: 0 };
  } catch (thrown) {
    return refused(thrown, json);
  } finally {
    await transport?.close();
  }
}

/** Where the command is to be sent. `--url` goes before `--config`, and the command line before the environment. */
async function chooseTransport(asked: Administering, subcommand: AdminSubcommand, environment: Environment): Promise<AdminTransport> {
  const { url, file } = asked;
  const address = url ?? (file === undefined ? environment.WEIR_ADMIN_URL || undefined : undefined);
  if (address === undefined) return await ofConfiguration(asked, subcommand, environment);
  const token = givenToken(asked) ?? (environment.WEIR_ADMIN_TOKEN || undefined) ?? tokenOf(address, file, environment);
  if (token === undefined) throw new UsageMistake("The admin token is missing: set WEIR_ADMIN_TOKEN, or give --token-file or --token.");
  return remote(address, token);
}

/** Without an address: the sandbox of this folder; else the store of the configuration, or its running gateway where only that knows the answer. */
async function ofConfiguration(asked: Administering, subcommand: AdminSubcommand, environment: Environment): Promise<AdminTransport> {
  const { file } = asked;
  const { config } = readConfig({ file, environment });
  const address = ownAddress(config);
  if (!config.sandbox) {
    const { token } = config.admin;
    if (subcommand.isLive !== true || config.redis !== undefined || token === undefined || address === undefined)
      return await overStore({ file, environment });
    return remote(address, token);
  }
  const token = givenToken(asked) ?? keptAdminToken(cwd()) ?? (environment.WEIR_ADMIN_TOKEN || undefined);
  if (token !== undefined && address !== undefined) return remote(address, token);
  const cure = "start the sandbox in this folder, or name a configuration with --config, or a running gateway with --url";
  throw new CommandRefusal("unknown", `Nothing is configured here, and there is no sandbox: ${cure}.`);
}

function givenToken({ token, tokenFile }: Administering): string | undefined {
  if (token !== undefined && tokenFile !== undefined) throw new UsageMistake("Give --token or --token-file, not both.");
  return tokenFile === undefined ? token : readTokenFile(tokenFile);
}

/**
 * The admin token of the configuration that is named. Where none is named, the token of this folder's configuration or sandbox, and only for the gateway
 * of this folder: no other gateway must receive that token.
 */
function tokenOf(address: string, file: string | undefined, environment: Environment): string | undefined {
  if (file !== undefined) return readConfig({ file, environment }).config.admin.token;
  const host = URL.canParse(address) ? new URL(address).hostname : "";
  if (!/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(host)) return undefined;
  try {
    const { config } = readConfig({ environment });
    // A sandbox takes another port where its own port is in use.
    if (config.sandbox) return keptAdminToken(cwd());
    return new URL(address).port === String(config.admin.port) ? config.admin.token : undefined;
  } catch (thrown) {
    // A file with mistakes gives no token; the caller says that the token is missing.
    if (thrown instanceof ConfigError) return undefined;
    throw thrown;
  }
}

/** The address of this configuration's admin listener, for a command on the same machine; undefined where the system chooses the port. */
function ownAddress({ admin: { host, port } }: Config): string | undefined {
  const known = reachable(host);
  return port === 0 ? undefined : `http://${known.includes(":") ? `[${known}]` : known}:${port}`;
}

/** The admin listener of a running gateway. @throws UsageMistake */
function remote(url: string, token: string): AdminTransport {
  const base = url.replace(/\/+$/, "");
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol))
    throw new UsageMistake("--url: expected the address of an admin listener, such as http://127.0.0.1:9090");
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageMistake("The admin token: expected printable ASCII without blanks, got other text.");
  return {
    base,
    token,
    send: async (request) => {
      try {
        return await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
      } catch {
        throw new CommandRefusal(
          "unavailable",
          `No gateway answers at ${base}: start it, or name the address of its admin listener with --url.`,
        );
      }
    },
    close: async () => {},
  };
}

function readTokenFile(path: string): string {
  try {
    return readSecret(path);
  } catch (thrown) {
    throw new UsageMistake(`--token-file: ${thrown instanceof Error ? thrown.message : "cannot be read"}`);
  }
}

function refused(thrown: unknown, json: boolean): Outcome {
  if (thrown instanceof UsageMistake) return { text: `weir: ${thrown.message}\n`, exitCode: 2 };
  const kind = thrown instanceof CommandRefusal ? thrown.kind : "invalid";
  if (!(thrown instanceof CommandRefusal || thrown instanceof ConfigError)) throw thrown;
  const { message } = thrown;
  return { text: json ? `${JSON.stringify({ error: { message, kind } })}\n` : `weir: ${message}\n`, exitCode: 1 };
}
