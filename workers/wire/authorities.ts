/**
 * Which certificate authorities a connection trusts: those of the operating system (or of `SSL_CERT_FILE`), those of `NODE_EXTRA_CA_CERTS`, and the upstream's own `ca`.
 *
 * Neither runtime does this by itself: both trust a list that is compiled into them (118 authorities in Bun 1.4, 151 in Deno 2.9), whatever the system says.
 * Only where the system has no list at all (a container without ca-certificates) that built-in list is used.
 */
import { createSecureContext, getCACertificates, type SecureContext, setDefaultCACertificates } from "node:tls";

function readSystem(): string[] {
  const found = list("system");
  return [...(found.length > 0 ? found : list("bundled")), ...list("extra")];
}

function list(kind: "system" | "bundled" | "extra"): string[] {
  try {
    return getCACertificates(kind);
  } catch {
    // Deno throws where SSL_CERT_FILE names a file that is not there.
    return [];
  }
}

let system: string[] | undefined;

/**
 * Makes the system's authorities the default of this thread's TLS connections, once. As a default and not as an option of each connection because
 * Deno reads the `ca` of a context again for every connection (145 certificates: 15 ms of CPU each time, against 2.5 ms).
 */
function systemAuthorities(): string[] {
  if (system === undefined) {
    system = readSystem();
    setDefaultCACertificates(system);
  }
  return system;
}

/** The TLS context for one upstream; undefined is the default one. Keep it: reading the certificates takes milliseconds. */
export function trust(ca: string | undefined): SecureContext | undefined {
  const authorities = systemAuthorities();
  return ca === undefined ? undefined : createSecureContext({ ca: [...authorities, ca] });
}

let systemTrust: SecureContext | undefined;

/** The default context by itself, for sockets that do not know the thread's default. Made once: every connection then shares one list that has been read. */
export function defaultTrust(): SecureContext {
  systemTrust ??= createSecureContext({ ca: systemAuthorities() });
  return systemTrust;
}
