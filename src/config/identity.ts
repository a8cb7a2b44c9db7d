import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Identity } from "../contract/config.ts";
import type { ResolveContext } from "./context.ts";
import { whyUnreadable } from "./files.ts";
import type { Path } from "./problems.ts";
import type { File } from "./schema/file.ts";

const DAY_MS = 24 * 3600 * 1000;
/** Programs renew a certificate earlier than this: most do so 30 days before its end. */
const SOON_MS = 14 * DAY_MS;

/**
 * The certificate and the key of the public listener, read from their files. The key must belong to the certificate; a certificate that is not valid now,
 * or not for long, is a warning. Undefined without TLS, and after a mistake.
 */
export function resolveIdentity(tls: File["server"]["tls"], context: ResolveContext): Identity | undefined {
  if (tls === undefined) return undefined;
  const certificatePath = ["server", "tls", "cert_file"];
  const keyPath = ["server", "tls", "key_file"];
  const cert = readPem(tls.cert_file, certificatePath, "CERTIFICATE", "a certificate", context);
  const key = readPem(tls.key_file, keyPath, "PRIVATE KEY", "a private key", context);
  if (cert === undefined || key === undefined) return undefined;
  const refuse = (path: Path, text: string): undefined => void context.problems.push({ path, text });

  const certificate = certificateOf(cert);
  if (certificate === undefined)
    return refuse(certificatePath, "expected a certificate in PEM in this file, got one that cannot be understood");
  if (/ENCRYPTED/.test(key)) return refuse(keyPath, "expected a key without a passphrase, got one that is encrypted");
  const privateKey = keyOf(key);
  if (privateKey === undefined) return refuse(keyPath, "expected a private key in PEM in this file, got one that cannot be understood");
  if (!certificate.checkPrivateKey(privateKey)) {
    const text =
      "expected the key of the first certificate in server.tls.cert_file, got that of another; in that file the server's own certificate comes first";
    return refuse(keyPath, text);
  }
  if (!isUsable(cert, key))
    return refuse(certificatePath, "expected a certificate and a key that TLS can use, got a kind that this runtime does not know");
  const expiresAtMs = Date.parse(certificate.validTo);
  for (const text of untimely(Date.parse(certificate.validFrom), expiresAtMs, context.nowMs))
    context.warnings.push({ path: certificatePath, text });
  return { cert, key, expiresAtMs };
}

function readPem(
  file: string,
  path: Path,
  label: string,
  what: string,
  { locate, readText, problems }: ResolveContext,
): string | undefined {
  try {
    const pem = readText(locate(file));
    if (new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(pem)) return pem;
    problems.push({ path, text: `expected ${what} in PEM in this file, which holds none` });
  } catch (thrown) {
    problems.push({ path, text: `expected a readable file, got one which ${whyUnreadable(thrown)}` });
  }
  return undefined;
}

function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function keyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}

function isUsable(cert: string, key: string): boolean {
  try {
    createSecureContext({ cert, key });
    return true;
  } catch {
    return false;
  }
}

function untimely(validFromMs: number, expiresAtMs: number, nowMs: number): string[] {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 16).replace("T", " ");
  if (expiresAtMs <= nowMs) return [`the certificate expired at ${day(expiresAtMs)} UTC: clients refuse it`];
  if (validFromMs > nowMs) return [`the certificate is valid only from ${day(validFromMs)} UTC on: clients refuse it until then`];
  if (expiresAtMs - nowMs < SOON_MS) return [`the certificate expires at ${day(expiresAtMs)} UTC: renew it before then`];
  return [];
}
