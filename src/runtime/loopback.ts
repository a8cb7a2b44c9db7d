/** For whom the runtimes' `fetch`, and programs that Weir starts, must not use a proxy: it would look for them on its own machine. */
const LOOPBACK = "localhost,127.0.0.0/8,127.0.0.1,::1";

const PROXIES = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"];

/**
 * Sees to it that nothing for this machine's loopback goes through a proxy: what a supervisor asks its processes, and the admin token of a command.
 * To be called before the first `fetch`: Deno reads the environment then, and never again.
 */
export function spareLoopback(environment: Record<string, string | undefined>): void {
  if (!PROXIES.some((name) => environment[name] || environment[name.toLowerCase()])) return;
  // Of two lists runtimes take one, and not all of them the same.
  const lists = ["NO_PROXY", "no_proxy"].filter((name) => environment[name]);
  for (const name of lists.length === 0 ? ["NO_PROXY"] : lists) {
    const list = environment[name] ?? "";
    if (list.trim() === "*" || list.endsWith(LOOPBACK)) continue;
    environment[name] = list === "" ? LOOPBACK : `${list},${LOOPBACK}`;
  }
}
