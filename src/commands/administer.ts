import { ConfigError, readConfig } from "../config/config.ts";
import { readSecret } from "../config/files.ts";
import { Administration, CommandRefusal, type Way } from "./administration.ts";
import type { Administering } from "./line.ts";
import { type Outcome, UsageMistake } from "./outcome.ts";
import { remote } from "./remote.ts";
import { overStore } from "./store.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Does what administrators ask for, at a running gateway or in the store of the configuration. */
export async function runAdminister(asked: Administering, environment: Environment): Promise<Outcome> {
  const { verb, argument, options, json } = asked;
  let way: Way | undefined;
  try {
    way = await chooseWay(asked, environment);
    const shown = await verb.run(new Administration(way), argument, options);
    return { text: json ? `${JSON.stringify(shown.json, null, 2)}\n` : `${shown.text}\n`, exitCode: 0 };
  } catch (thrown) {
    return refused(thrown, json);
  } finally {
    await way?.close();
  }
}

/** `--url` goes before `--config`, and what stands on the command line before the environment. */
async function chooseWay({ url, token, tokenFile, file }: Administering, environment: Environment): Promise<Way> {
  const address = url ?? (file === undefined ? environment.WEIR_ADMIN_URL || undefined : undefined);
  if (address === undefined) return await overStore({ file, environment });
  if (token !== undefined && tokenFile !== undefined) throw new UsageMistake("Give --token or --token-file, not both.");
  const found = tokenFile === undefined ? (token ?? (environment.WEIR_ADMIN_TOKEN || undefined)) : readTokenFile(tokenFile);
  const known = found ?? (file === undefined ? undefined : readConfig({ file, environment }).config.admin.token);
  if (known === undefined) throw new UsageMistake("The admin token is missing: set WEIR_ADMIN_TOKEN, or give --token-file or --token.");
  return remote(address, known);
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
