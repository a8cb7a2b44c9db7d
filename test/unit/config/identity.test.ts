/** The certificate and the key of the public listener, as they are checked before anybody is shown them. */
import { describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { load, mistakes, SMALL } from "../../support/config-sample.ts";
import { makeIdentity } from "../../support/identities.ts";

const [own, other] = [makeIdentity("own"), makeIdentity("other", { rsa: true })];
const TLS = `${SMALL}\nserver: { tls: { cert_file: cert.pem, key_file: key.pem } }`;
const both = (cert: string, key: string) => ({ files: { "cert.pem": cert, "key.pem": key } });

describe("server.tls", () => {
  test("is read from both files, which lie beside the configuration; without it there is none", () => {
    for (const { cert, key } of [own, other]) {
      const { config, warnings } = load(TLS, { ...both(cert, key), nowMs: Date.now() });
      expect(config.server.tls).toBe(true);
      expect(config.identity).toEqual({ cert, key, expiresAtMs: Date.parse(new X509Certificate(cert).validTo) });
      expect(warnings).toEqual([]);
    }
    expect([load(SMALL).config.server.tls, load(SMALL).config.identity]).toEqual([false, undefined]);
  });

  test("takes a chain, the server's own certificate first, and a key in another form", () => {
    const rewritten = execFileSync("openssl", ["pkey", "-traditional"], { input: other.key }).toString();
    expect(rewritten).toStartWith("-----BEGIN RSA PRIVATE KEY-----");
    expect(load(TLS, both(other.cert + own.cert, rewritten)).config.identity?.key).toBe(rewritten);
    expect(mistakes(TLS, both(own.cert + other.cert, other.key))).toHaveLength(1);
  });

  const encrypted = execFileSync("openssl", ["pkey", "-aes256", "-passout", "pass:sesame"], { input: own.key }).toString();
  const broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
  const told: Record<string, [files: Record<string, string>, message: string]> = {
    "no files": [{}, "server.tls.cert_file: expected a readable file, got one which does not exist"],
    "a key's file that is not there": [
      { "cert.pem": own.cert },
      "server.tls.key_file: expected a readable file, got one which does not exist",
    ],
    "a file without a certificate": [
      { "cert.pem": own.key, "key.pem": own.key },
      "server.tls.cert_file: expected a certificate in PEM in this file, which holds none",
    ],
    "a file without a key": [
      { "cert.pem": own.cert, "key.pem": own.cert },
      "server.tls.key_file: expected a private key in PEM in this file, which holds none",
    ],
    "a certificate that is broken": [
      { "cert.pem": broken, "key.pem": own.key },
      "server.tls.cert_file: expected a certificate in PEM in this file, got one that cannot be understood",
    ],
    "a key that is broken": [
      { "cert.pem": own.cert, "key.pem": broken.replaceAll("CERTIFICATE", "PRIVATE KEY") },
      "server.tls.key_file: expected a private key in PEM in this file, got one that cannot be understood",
    ],
    "a key with a passphrase": [
      { "cert.pem": own.cert, "key.pem": encrypted },
      "server.tls.key_file: expected a key without a passphrase, got one that is encrypted",
    ],
    "the key of another certificate": [
      { "cert.pem": own.cert, "key.pem": other.key },
      "server.tls.key_file: expected the key of the first certificate in server.tls.cert_file, got that of another",
    ],
  };
  for (const [name, [files, message]] of Object.entries(told))
    test(`is refused with ${name}`, () => {
      const [first = ""] = mistakes(TLS, { files });
      expect(first).toContain(message);
      expect(first).not.toContain("-----");
    });

  test("needs both", () => {
    expect(mistakes(`${SMALL}\nserver: { tls: { cert_file: cert.pem } }`)).toEqual([
      expect.stringContaining("server.tls.key_file: expected"),
    ]);
  });

  test("warns of a certificate that has expired, does so soon, or is not valid yet, and takes it", () => {
    const { validFrom, validTo } = new X509Certificate(own.cert);
    const [from, to, day] = [Date.parse(validFrom), Date.parse(validTo), 24 * 3600 * 1000];
    const warned = (nowMs: number) => load(TLS, { ...both(own.cert, own.key), nowMs }).warnings;
    expect(warned(to + 1)).toEqual([
      expect.stringMatching(/server\.tls\.cert_file: the certificate expired at \d{4}-\d\d-\d\d \d\d:\d\d UTC/),
    ]);
    expect(warned(to - 13 * day)).toEqual([expect.stringContaining("the certificate expires at ")]);
    expect(warned(to - 15 * day)).toEqual([]);
    expect(warned(from - day)).toEqual([expect.stringContaining("the certificate is valid only from ")]);
  });
});
