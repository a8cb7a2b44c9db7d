/** The host that reaches, on its own machine, what listens on `host`: a listener on all addresses is asked on loopback. Without brackets. */
export function reachable(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  return bare === "0.0.0.0" ? "127.0.0.1" : bare === "::" ? "::1" : bare;
}
