/** Self-signed certificates, made by the system's openssl. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Identity } from "../../src/contract/config.ts";

const DAY_MS = 24 * 3600 * 1000;

/** For `localhost` and 127.0.0.1. */
export function makeIdentity(name: string, { rsa = false, days = 100 } = {}): Identity {
  const folder = mkdtempSync(join(tmpdir(), "weir-tls-"));
  const kind = rsa ? ["rsa:2048"] : ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
  const words = ["req", "-x509", "-newkey", ...kind, "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", String(days)];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  try {
    execFileSync("openssl", [...words, ...names], { cwd: folder, stdio: "ignore" });
    const read = (file: string) => readFileSync(join(folder, file), "utf8");
    return { cert: read("cert.pem"), key: read("key.pem"), expiresAtMs: Date.now() + days * DAY_MS };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
