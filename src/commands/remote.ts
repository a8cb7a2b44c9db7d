import { type AdminTransport, CommandRefusal } from "./administration.ts";
import { UsageMistake } from "./outcome.ts";

/** No change takes nearly as long. */
const PATIENCE_MS = 15_000;

/** The admin listener of a running gateway. @throws UsageMistake */
export function remote(url: string, token: string): AdminTransport {
  const base = url.replace(/\/+$/, "");
  if (!URL.canParse(base) || !/^https?:$/.test(new URL(base).protocol))
    throw new UsageMistake("--url: expected the address of an admin listener, such as http://127.0.0.1:9090");
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UsageMistake("The admin token is empty or no token: printable ASCII without blanks is expected.");
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
