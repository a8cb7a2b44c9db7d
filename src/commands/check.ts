import { ConfigError, type ConfigSource, readConfig } from "../config/config.ts";
import type { Config } from "../contract/config.ts";
import type { Outcome } from "./command.ts";
import { askStore } from "./contact.ts";
import { askUpstreams } from "./online.ts";
import { report } from "./report.ts";

/** `check`: what a configuration resolves to, without secrets; or everything that is wrong with it. */
export function runCheck(source: ConfigSource): Outcome {
  return refusing(() => ({ text: report(readConfig(source)), exitCode: 0 }));
}

/** `check --online`: the same, and then what Redis and the upstreams say. */
export async function runOnlineCheck(source: ConfigSource): Promise<Outcome> {
  let config: Config | undefined;
  const read = refusing(() => {
    const loaded = readConfig(source);
    config = loaded.config;
    return { text: report(loaded), exitCode: 0 };
  });
  if (config === undefined) return read;
  if (config.sandbox) return { text: `${read.text}\nThe stand-ins run only while Weir runs: there is no upstream to ask.\n`, exitCode: 0 };
  const asked = [...(config.redis === undefined ? [] : [askStore(config)]), askUpstreams(config)];
  const outcomes = await Promise.all(asked);
  const exitCode = outcomes.every((outcome) => outcome.exitCode === 0) ? 0 : 1;
  return { text: [read, ...outcomes].map(({ text }) => text).join("\n"), exitCode };
}

function refusing(read: () => Outcome): Outcome {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return { text: `${error.message}\n`, exitCode: 1 };
    throw error;
  }
}
