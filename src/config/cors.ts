import type { Cors } from "../contract/config.ts";
import { span } from "./clocks.ts";
import type { ResolveContext } from "./context.ts";
import type { File } from "./schema.ts";

/** The ports that a browser leaves out of an origin. */
const DEFAULT_PORT = /^(https:.*):443$|^(http:.*):80$/;

/** Origins as browsers send them. */
export function resolveCors(settings: File["server"]["cors"], context: ResolveContext): Cors | undefined {
  if (settings === undefined) return undefined;
  const { origins } = settings;
  return {
    origins: origins === "*" ? "*" : [...new Set(origins.map(asSent))],
    maxAgeMs: span(settings.max_age, ["server", "cors", "max_age"], 0, context),
  };
}

function asSent(written: string): string {
  return written.toLowerCase().replace(DEFAULT_PORT, "$1$2");
}
