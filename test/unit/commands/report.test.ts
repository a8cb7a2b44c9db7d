/** What `check` shows of a good configuration. */
import { expect, test } from "bun:test";
import { runCheck } from "../../../src/commands/check.ts";
import { NOW_MS } from "../../support/config-sample.ts";

const FILE = "/sample/weir.yaml";
const SECRETS = ["the-admin-token-0123", "redis-password", "the-bearer-token-0123", "the-azure-key", "proxy-password", "collector-key"];

const SAMPLE = `
server:
  host: 10.1.2.3
  port: 8443
  max_body: 16MiB
  max_buffered: 64MiB
  max_calls: 700
  max_connections: 1400
  head_timeout: 11s
  body_timeout: 12s
  reader_timeout: 33s
  idle_timeout: 44s
  drain_timeout: 55s
  drain_grace: 6s
  trusted_proxies: [10.0.0.0/8, "fd00::/8"]
  server_timing: always
  cors: { origins: ["https://app.example"], max_age: 3h }
admin: { host: 10.1.2.4, port: 9443, token: the-admin-token-0123, hosts: [weir-admin.example.com] }
workers: 2
redis: { url: "redis://me:redis-password@cache.example:6379", username: reader, password: redis-password, tls: true, prefix: blue, on_failure: closed, timeout: 70ms }
log: { sample: 0.25, slow: 21s, attribution: false }
limits: { rpm: 501, tpm: 60001, count_rpm: 77, cache_read_weight: 0.5, reserve_output: max_tokens }
timeouts: { connect: 4s, first_byte: 8m, silence: 3m, total: 50m }
strict_parameters: true
upstreams:
  bedrock-eu:
    provider: bedrock
    region: eu
    aws_region: eu-central-1
    credentials: { bearer_token: the-bearer-token-0123 }
    max_calls: 90
    timeouts: { connect: 2s }
    accepts: { fields: { add: [output_config.format] }, betas: { remove: [a-beta] } }
    controls: { service_tier: flex }
    betas: [b-beta]
  azure-eu: { provider: azure, region: eu, endpoint: "https://acme.openai.azure.com", credentials: { api_key: the-azure-key }, allow_store: true, store_secret: store-secret-0123456789 }
models:
  claude:
    aliases: [claude-too]
    limits: { tpm: 8000 }
    timeouts: { total: 9m }
    accepts: { as: claude-sonnet-4-6 }
    controls: { request_metadata: { team: blue } }
    affinity: off
    targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6, count_model: anthropic.claude-sonnet-4-6, controls: { service_tier: priority } }]
  gpt: { estimate: exact, family: o200k, targets: [{ upstream: azure-eu, model: prod }] }
workspaces:
  acme:
    default_region: eu
    max_concurrent: 31
    limits: { rpm: 12 }
    controls: { service_tier: default }
    client_controls: true
    models: { gpt: { limits: { tpm: 1234 }, estimate: fast, affinity: off } }
    keys: [{ name: ci, sha256: ${"ab".repeat(32)}, expires_at: 2027-01-01, max_concurrent: 5 }]
`;

const ENVIRONMENT = {
  HTTPS_PROXY: "http://me:proxy-password@proxy.example:3128",
  NO_PROXY: "internal.example",
  OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example:4318/path",
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=collector-key",
  OTEL_TRACES_SAMPLER: "traceidratio",
  OTEL_TRACES_SAMPLER_ARG: "0.01",
};

function shown(yaml: string, environment: Record<string, string> = ENVIRONMENT): string {
  const files = { text: () => yaml, stamp: () => "" };
  const { text, exitCode } = runCheck({ file: FILE, environment, files, nowMs: NOW_MS, processors: 4, memory: 8 * 1024 ** 3 });
  expect([exitCode, exitCode === 0 ? "" : text]).toEqual([0, ""]);
  return text;
}

const blanks = (text: string) => text.replaceAll(/ {2,}/g, "  ");

test("all that is set is shown, in groups", () => {
  const text = blanks(shown(SAMPLE));
  for (const part of [
    `Public listener
  address  10.1.2.3:8443
  TLS  none: plain HTTP
  bounds  bodies up to 16 MiB, 64 MiB of them at a time, 700 calls, 1400 connections
  clocks  head 11s, body 12s, reader 33s, idle 44s
  drain  new calls are served for 6s, open ones end within 55s
  trusted proxies  10.0.0.0/8, fd00::/8
  web pages  of https://app.example; asked again after 3h
  server timing  in all answers
`,
    `Admin listener
  address  10.1.2.4:9443
  token  set
  host names  weir-admin.example.com
`,
    `Gateway
  workers  2 threads
  limits  redis://cache.example:6379 (closed on failure, waits 70ms, TLS, user reader, with a password, keys begin with blue:)
  proxy  http://proxy.example:3128, not for internal.example
  log  0.25 of the good calls, all others; slow is more than 21s; without what clients say of themselves
  traces  to https://collector.example:4318, sampler traceidratio 0.01
`,
    `Every call
  limits  501 requests/min, 60001 tokens/min, 77 token counts/min, cache reads × 0.5, reserves max_tokens output
  timeouts  connect 4s, first_byte 8m, silence 3m, total 50m
  strict parameters  yes
`,
    "  max_calls: 90\n  timeouts: connect 2s\n  accepts: fields (add output_config.format), betas (remove a-beta)\n  controls: service_tier flex\n  betas: b-beta\n",
    "  allow_store: true\n",
    `  claude  eu  bedrock-eu eu.anthropic.claude-sonnet-4-6  8000 tokens/min
  affinity: off
  timeouts: total 9m
  accepts: as claude-sonnet-4-6
  controls: request_metadata (team blue)
  bedrock-eu eu.anthropic.claude-sonnet-4-6: count_model: anthropic.claude-sonnet-4-6
  bedrock-eu eu.anthropic.claude-sonnet-4-6: controls: service_tier priority
`,
    "  gpt  eu  azure-eu prod\n  estimate: exact\n  family: o200k\n",
    "  claude-too  as claude\n",
    `Workspace acme
  default region  eu
  limits  12 requests/min
  calls  31 at a time
  controls  service_tier default
  client controls  clients may set controls by headers
  keys  ci (until 2027-01-01T00:00:00.000Z, 5 calls at a time)
`,
    "  gpt  the shared targets  1234 tokens/min\n  estimate: fast\n  affinity: off",
  ])
    expect(text).toContain(part);
});

test("no secret is shown", () => {
  const text = shown(SAMPLE);
  for (const secret of [...SECRETS, "store-secret-0123456789"]) expect([secret, text.includes(secret)]).toEqual([secret, false]);
});

test("every setting of the sample that is no secret and no path of a file changes what is shown", () => {
  const before = shown(SAMPLE);
  const changes: [string, string][] = [
    ["port: 8443", "port: 8444"],
    ["max_connections: 1400", "max_connections: 1500"],
    ["head_timeout: 11s", "head_timeout: 12s"],
    ["trusted_proxies: [10.0.0.0/8", "trusted_proxies: [11.0.0.0/8"],
    ["server_timing: always", "server_timing: asked"],
    ['origins: ["https://app.example"]', 'origins: "*"'],
    ["sample: 0.25", "sample: 0"],
    ["slow: 21s", "slow: 22s"],
    ["attribution: false", "attribution: true"],
    ["silence: 3m", "silence: 4m"],
    ["strict_parameters: true", "strict_parameters: false"],
    ["max_calls: 90", "max_calls: 91"],
    ["service_tier: flex", "service_tier: default"],
    ["allow_store: true", "allow_store: false"],
    ["affinity: off\n    targets", "affinity: on\n    targets"],
    ["client_controls: true", "client_controls: false"],
  ];
  for (const [from, to] of changes) {
    expect([from, SAMPLE.includes(from)]).toEqual([from, true]);
    expect([from, shown(SAMPLE.replace(from, to)) === before]).toEqual([from, false]);
  }
});

test("what is left out is said to be so", () => {
  const text = blanks(shown("upstreams: { a: { provider: bedrock, region: eu, aws_region: eu-central-1 } }\nworkspaces: { acme: {} }", {}));
  for (const line of [
    "  trusted proxies  none\n",
    "  web pages  of no other origin (cors)\n",
    "  token  none: only metrics and health answer\n",
    "  log  all calls; slow is more than 30s; with what clients say of themselves\n",
    "  traces  off\n",
    "  limits  in memory\n",
    "  timeouts  connect 5s, first_byte 10m, silence 5m, total 60m\n",
  ])
    expect(text).toContain(line);
});
