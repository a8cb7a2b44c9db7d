/** A secret may have been put in any place of a configuration. Whatever is said of the configuration does not repeat it. */
import { describe, expect, test } from "bun:test";
import { parse } from "yaml";
import { runCheck } from "../../../src/commands/check.ts";

/** Of the forms that nobody takes for a name, and a password of a person. */
const KEY = "weir_7hQ2mXk9Lp4Rt8Wz3Vb6Nc1";
const DIGEST_LIKE = "3f9a0c7be1d24c5896ab30e7d1f4c2b8";
const PASSWORD = "Correct#Horse7";

const SAMPLE = `
server: { host: 127.0.0.1, port: 8080, max_body: 32MiB, drain_timeout: 2m, drain_grace: 5s }
admin: { host: 127.0.0.1, port: 9090, token: admin-token-of-the-sample }
processes: 1
workers: 2
redis: { url: "redis://10.0.0.1:6379", username: weir, password: redis-password, tls: false, on_failure: local, timeout: 50ms }
directory: { file: ./weir-keys.json }
limits: { rpm: 500, tpm: 60000, cache_read_weight: 0, reserve_output: expected }
timeouts: { connect: 5s }
strict_parameters: false
upstreams:
  bedrock-eu: { provider: bedrock, region: eu, aws_region: eu-central-1, endpoint: "https://vpce.example", credentials: { bearer_token: the-bearer }, betas: [a-beta] }
  azure-eu: { provider: azure, region: eu, endpoint: "https://acme.openai.azure.com", api: v1, credentials: { tenant_id: t, client_id: c, client_secret: the-client-secret } }
models:
  claude: { timeouts: { total: 1m }, targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6, weight: 1 }] }
  gpt: { estimate: fast, family: o200k, targets: [{ upstream: azure-eu, model: m }] }
workspaces:
  acme:
    default_region: eu
    limits: { rpm: 10 }
    models: { claude: { limits: { tpm: 1000 } } }
    upstreams: { own: { provider: azure, region: eu, endpoint: "https://own.openai.azure.com", credentials: { api_key: own-key } } }
    keys: [{ name: ci, sha256: ${"ab".repeat(32)}, expires_at: 2027-01-01 }]
`;

const FILE = "/sample/weir.yaml";
const ROOT = parse(SAMPLE) as Record<string, unknown>;

type Path = (string | number)[];

function paths(node: unknown, path: Path = []): Path[] {
  if (typeof node !== "object" || node === null) return [path];
  const inside = Array.isArray(node)
    ? node.flatMap((item, index) => paths(item, [...path, index]))
    : Object.entries(node).flatMap(([key, item]) => paths(item, [...path, key]));
  return path.length === 0 ? inside : [path, ...inside];
}

function changed(path: Path, change: (parent: Record<string | number, unknown>, key: string | number) => void): string {
  const root = structuredClone(ROOT);
  const parent = path.slice(0, -1).reduce<Record<string | number, unknown>>((node, key) => node[key] as Record<string, unknown>, root);
  change(parent, path.at(-1) ?? "");
  // JSON is YAML, and quicker to write.
  return JSON.stringify(root);
}

/** All that `check` says. The file is not on the disk: there are some thousands of them. */
function said(yaml: string): string {
  const text = (path: string) => {
    if (path === FILE) return yaml;
    throw Object.assign(new Error("there is no other file"), { code: "ENOENT" });
  };
  return runCheck({ file: FILE, environment: {}, files: { text, stamp: () => "" } }).text;
}

const PLACES = paths(ROOT);
const NAMED = new Set(["upstreams", "models", "workspaces"]);

test("the sample is good, and has places enough", () => {
  expect(said(SAMPLE)).toContain("is good");
  expect(PLACES.length).toBeGreaterThan(70);
});

describe("a secret in the wrong place is not repeated", () => {
  const values: Record<string, (secret: string) => unknown> = {
    "as a value": (secret) => secret,
    "in an address": (secret) => `https://me:${secret}@a.example/?key=${secret}`,
    "in a list": (secret) => [secret],
    "in a map": (secret) => ({ [secret]: secret }),
    "as the name of a variable": (secret) => `\${${secret.replace(/\W/g, "_")}}`,
    "beside a variable that is not set": (secret) => `${secret}\${NOT_SET}`,
  };
  for (const [how, put] of Object.entries(values)) {
    test(how, () => {
      for (const secret of [KEY, DIGEST_LIKE]) {
        for (const path of PLACES) {
          const text = said(
            changed(path, (parent, key) => {
              parent[key] = put(secret);
            }),
          );
          expect([how, path, text.includes(secret)]).toEqual([how, path, false]);
        }
      }
    });
  }

  test("a password that looks like a word, wherever it is a mistake", () => {
    for (const path of PLACES) {
      for (const value of [PASSWORD, [PASSWORD], { [PASSWORD]: PASSWORD }, { [PASSWORD]: `\${NOT_SET}` }]) {
        const text = said(
          changed(path, (parent, key) => {
            parent[key] = value;
          }),
        );
        if (!text.includes("is good")) expect([path, value, text.includes(PASSWORD)]).toEqual([path, value, false]);
      }
    }
  });

  test("a number of many digits", () => {
    for (const path of PLACES) {
      const text = said(
        changed(path, (parent, key) => {
          parent[key] = 90210447711;
        }),
      );
      if (!text.includes("is good")) expect([path, text.includes("90210447711")]).toEqual([path, false]);
    }
  });

  test("as a key, beside the others or in place of one", () => {
    for (const path of PLACES) {
      for (const secret of NAMED.has(String(path.at(-2))) ? [KEY, DIGEST_LIKE] : [KEY, DIGEST_LIKE, PASSWORD]) {
        for (const isMoved of [false, true]) {
          const text = said(
            changed(path, (parent, key) => {
              if (Array.isArray(parent)) return;
              parent[secret] = parent[key];
              if (isMoved) delete parent[key];
            }),
          );
          expect([path, secret, text.includes(secret)]).toEqual([path, secret, false]);
        }
      }
    }
  });

  test("in a line that is no YAML, wherever the line breaks", () => {
    const lines = SAMPLE.split("\n");
    for (const [at, line] of lines.entries()) {
      for (const broken of [
        `${line} ${PASSWORD}: [`,
        `"${PASSWORD}`,
        `? { ${PASSWORD}: 1 }`,
        `%${PASSWORD} x`,
        `  - ${PASSWORD}: !${PASSWORD} &${PASSWORD} *${PASSWORD}`,
        `\t${PASSWORD}`,
        `a: "\\q${PASSWORD}"`,
        `a: |${PASSWORD}`,
        `a: @${PASSWORD}`,
      ]) {
        const text = said([...lines.slice(0, at), broken, ...lines.slice(at + 1)].join("\n"));
        if (!text.includes("is good")) expect([broken, text.includes(PASSWORD)]).toEqual([broken, false]);
      }
    }
  });
});
