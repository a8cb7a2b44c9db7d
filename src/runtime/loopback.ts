/** Addresses for which `fetch`, and programs that Weir starts, must not use a proxy: the proxy would look for them on its own machine. */
const LOOPBACK = "localhost,127.0.0.0/8,127.0.0.1,::1";

const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/**
 * Makes sure that calls to this machine's loopback go through no proxy: those of a supervisor to its processes, and those of a command with its admin token.
 * To be called before the first `fetch`: Deno reads the environment then, and never again.
 */
export function spareLoopback(environment: Record<string, string | undefined>): void {
  if (!PROXIES.some((name) => environment[name] || environment[name.toLowerCase()])) return;
  // Where both variables are set, a runtime reads only one of them, and runtimes differ in which.
  const lists = ["NO_PROXY", "no_proxy"].filter((name) => environment[name]);
  for (const name of lists.length === 0 ? ["NO_PROXY"] : lists) {
    const list = environment[name] ?? "";
    if (list.trim() === "*" || list.endsWith(LOOPBACK)) continue;
    environment[name] = list === "" ? LOOPBACK : `${list},${LOOPBACK}`;
  }
}
