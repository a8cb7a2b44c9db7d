// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the notation under test
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCheck } from "../../../src/commands/check.ts";
import { readConfig } from "../../../src/config/config.ts";
import { AZURE_EU, BEDROCK_EU, load, mistakes, SMALL, writeSample } from "../../support/config-sample.ts";

const SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

describe("what a configuration resolves to", () => {
  test("a small file has every default of the documentation", () => {
    const { config, file, warnings } = load(SMALL);
    expect(config.sandbox).toBe(false);
    expect(config.server).toEqual({
      host: "0.0.0.0",
      port: 8080,
      maxBodyBytes: 32 * 1024 * 1024,
      maxBufferedBytes: 256 * 1024 * 1024,
      maxCalls: 10_000,
      drainTimeoutMs: 120_000,
      drainGraceMs: 5000,
      maxConnections: 20_000,
      tls: false,
      clocks: { headMs: 10_000, sendingMs: 60_000, readingMs: 120_000, idleMs: 75_000 },
      trustedProxies: [],
      serverTiming: "asked",
      cors: undefined,
    });
    expect(config.log).toEqual({ sample: 1, slowMs: 30_000, attribution: true });
    expect(config.tracing).toBeUndefined();
    expect(config.admin).toEqual({ host: "127.0.0.1", port: 9090, token: undefined, hosts: [] });
    expect(config.processes).toBe(1);
    expect(config.workers).toBe(3);
    expect(config.redis).toBeUndefined();
    expect(config.proxy).toBeUndefined();
    expect(config.limits).toEqual({ rpm: 500, tpm: 60_000, countRpm: undefined, cacheReadWeight: 0, reserveOutput: "expected" });
    expect(config.strictParameters).toBe(false);
    expect(config.directory.file).toBe(join(dirname(file ?? ""), "weir-keys.json"));
    expect(config.models.claude?.targets[0]?.timeouts).toEqual({
      connectMs: 5000,
      firstByteMs: 600_000,
      silenceMs: 300_000,
      totalMs: 3_600_000,
    });
    expect(warnings).toEqual([]);
  });

  test("processes and workers share the processors: one for a process's front, one for each of its workers", () => {
    const redis = "redis: { url: redis://127.0.0.1:6379 }";
    const rows: [settings: string, processors: number, processes: number, workers: number][] = [
      ["processes: auto", 1, 1, 1],
      ["processes: auto", 3, 1, 2],
      ["processes: auto", 4, 2, 1],
      ["processes: auto", 9, 4, 1],
      ["processes: 2", 8, 2, 3],
      ["processes: 8", 4, 8, 1],
      ["processes: auto\nworkers: 3", 8, 2, 3],
      ["processes: auto\nworkers: 16", 8, 1, 16],
      ["processes: auto\nworkers: 0", 8, 8, 0],
      ["workers: 0", 8, 1, 0],
    ];
    for (const [settings, processors, processes, workers] of rows) {
      const { config, warnings } = load(`${SMALL}\n${settings}\n${redis}`, { processors });
      expect([settings, config.processes, config.workers]).toEqual([settings, processes, workers]);
      expect(warnings).toEqual([]);
    }
  });

  test("several processes without Redis are a warning, since each of them has limits of its own", () => {
    expect(load(`${SMALL}\nprocesses: 3`).warnings).toEqual([
      "line 8: processes: limits are kept in memory by each of the 3 processes for itself, so a workspace may use its limit 3 times; set redis to share them",
    ]);
    expect(load(`${SMALL}\nprocesses: 1`).warnings).toEqual([]);
  });

  test("the clocks of a model go before its upstream's, and those before the general ones", () => {
    const { config } = load(`
timeouts: { connect: 1s, silence: 1m }
upstreams:
  bedrock-eu: { provider: bedrock, region: eu, aws_region: eu-central-1, timeouts: { connect: 2s, first_byte: 1h30m } }
models:
  claude: { timeouts: { connect: 1.5s }, targets: [{ upstream: bedrock-eu, model: m }] }
`);
    expect(config.upstreams["bedrock-eu"]?.timeouts).toEqual({
      connectMs: 2000,
      firstByteMs: 5_400_000,
      silenceMs: 60_000,
      totalMs: 3_600_000,
    });
    expect(config.models.claude?.targets[0]?.timeouts.connectMs).toBe(1500);
    expect(config.models.claude?.targets[0]?.timeouts.firstByteMs).toBe(5_400_000);
  });

  test("limits stay open where nothing is said, for the next place to decide", () => {
    const { config } = load(`
upstreams: { ${AZURE_EU} }
models: { gpt-5: { limits: { tpm: 120000 }, targets: [{ upstream: azure-eu, model: prod }] } }
workspaces: { acme: { limits: { rpm: 1000 }, models: { gpt-5: { limits: { tpm: 200000, reserve_output: max_tokens } } } } }
`);
    expect(config.models["gpt-5"]?.limits).toEqual({
      rpm: undefined,
      tpm: 120_000,
      countRpm: undefined,
      cacheReadWeight: undefined,
      reserveOutput: undefined,
    });
    expect(config.workspaces.acme?.limits.rpm).toBe(1000);
    expect(config.workspaces.acme?.models["gpt-5"]?.limits).toMatchObject({ tpm: 200_000, reserveOutput: "max_tokens" });
    expect(config.workspaces.acme?.models["gpt-5"]?.targets).toBeUndefined();
  });

  test("keys are lower-case digests with their end in milliseconds and their bound of calls", () => {
    const { config } = load(
      `${SMALL.replace("acme: {}", `acme: { keys: [{ name: ci, sha256: ${SHA.toUpperCase()}, expires_at: 2027-01-01T00:00:00Z, max_concurrent: 3 }] }`)}`,
    );
    const expiresAtMs = Date.parse("2027-01-01T00:00:00Z");
    expect(config.workspaces.acme?.keys).toEqual([{ name: "ci", sha256: SHA, expiresAtMs, maxConcurrent: 3 }]);
  });

  test("a workspace's own upstream has a name that no other has, and its entry keeps its targets", () => {
    const { config } = load(`
upstreams: { ${BEDROCK_EU} }
models: { claude: { targets: [{ upstream: bedrock-eu, model: eu.anthropic.claude-sonnet-4-6 }] } }
workspaces:
  byok:
    default_region: us
    upstreams: { own: { provider: azure, region: us, endpoint: "https://byok.openai.azure.com", credentials: { api_key: k } } }
    models: { gpt-5: { targets: [{ upstream: own, model: my-gpt-5 }] }, claude: }
`);
    const byok = config.workspaces.byok;
    expect(byok?.upstreams.own?.name).toBe("byok/own");
    expect(byok?.models["gpt-5"]?.targets?.[0]).toMatchObject({ upstream: "own", model: "my-gpt-5", weight: 1 });
    expect(byok?.models.claude?.targets).toBeUndefined();
  });

  test("the result is frozen to its leaves", () => {
    const { config } = load(SMALL);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.upstreams["bedrock-eu"]?.settings)).toBe(true);
    expect(Object.isFrozen(config.models.claude?.targets[0])).toBe(true);
  });

  test("a name such as constructor is not found where nobody wrote it", () => {
    const { config } = load(SMALL);
    for (const names of [config.models, config.upstreams, config.workspaces]) expect(names.constructor).toBeUndefined();
  });

  test("anchors and merges work", () => {
    const { config } = load(`
upstreams:
  a: &eu { provider: bedrock, region: eu, aws_region: eu-central-1 }
  b: { <<: *eu, aws_region: eu-west-1 }
models: { claude: { targets: [{ upstream: a, model: m }, { upstream: b, model: m }] } }
`);
    expect(config.upstreams.b).toMatchObject({ region: "eu", settings: { awsRegion: "eu-west-1" } });
  });
});

describe("where a configuration comes from", () => {
  test("with none there is sandbox mode, and ports and Redis of the environment", () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-config-"));
    const { config, file, warnings } = readConfig({
      directory,
      environment: { PORT: "0", ADMIN_PORT: "7001", REDIS_URL: "redis://127.0.0.1:6379" },
    });
    expect(file).toBeUndefined();
    expect(config.sandbox).toBe(true);
    expect(config.server.port).toBe(0);
    expect(config.admin.port).toBe(7001);
    expect(config.redis).toMatchObject({ url: "redis://127.0.0.1:6379", tls: false, onFailure: "local", timeoutMs: 50 });
    expect(warnings).toEqual([]);
  });

  test("./weir.yaml is found by itself, WEIR_CONFIG goes before it, --config before both", () => {
    const directory = dirname(writeSample(`${SMALL}\nserver: { port: 1001 }`));
    writeFileSync(join(directory, "two.yaml"), `${SMALL}\nserver: { port: 1002 }`);
    writeFileSync(join(directory, "three.yaml"), `${SMALL}\nserver: { port: 1003 }`);
    expect(readConfig({ directory, environment: {} }).config.server.port).toBe(1001);
    expect(readConfig({ directory, environment: { WEIR_CONFIG: "two.yaml" } }).config.server.port).toBe(1002);
    expect(readConfig({ directory, environment: { WEIR_CONFIG: "two.yaml" }, file: "three.yaml" }).config.server.port).toBe(1003);
    expect(readConfig({ directory, environment: { WEIR_CONFIG: "" } }).config.server.port).toBe(1001);
  });

  test("a file that was asked for and is not there is a mistake, not sandbox mode", () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-config-"));
    expect(() => readConfig({ directory, environment: { WEIR_CONFIG: "absent.yaml" } })).toThrow(
      /absent\.yaml: 1 mistake\n {2}expected a readable file, got one which does not exist/,
    );
    expect(() => readConfig({ directory, environment: {}, file: "." })).toThrow(/which is a directory/);
  });

  test("a document in place of a file goes through the same check", () => {
    const document = {
      upstreams: { b: { provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint: "http://127.0.0.1:1" } },
    };
    const { config } = readConfig({ environment: {}, document, sandbox: true });
    expect(config.sandbox).toBe(true);
    expect(config.models["claude-3-haiku-20240307"]?.targets).toHaveLength(1);
    expect(() => readConfig({ environment: {}, document: { upstream: {} }, sandbox: true })).toThrow(/did you mean "upstreams"/);
  });

  test("the files that were read are named, for watching", () => {
    const { read, file } = load(`${SMALL}\nadmin: { token_file: token }`, { files: { token: "0123456789abcdef\n" } });
    expect([...read.keys()]).toEqual([file ?? "", join(dirname(file ?? ""), "token")]);
  });
});

describe("the environment", () => {
  const value = (text: string, environment: Record<string, string> = {}) =>
    load(`${SMALL}\nserver: { host: "${text}" }`, { environment }).config.server.host;

  test("variables and defaults are filled in anywhere inside a text", () => {
    expect(value("a.${NAME}.${ZONE:-example}", { NAME: "b" })).toBe("a.b.example");
    expect(value("${ZONE:-x}", { ZONE: "" })).toBe("x");
    expect(value("$NAME $ {NAME}", { NAME: "b" })).toBe("$NAME $ {NAME}");
  });

  test("$${ stands for itself, and what was filled in is not looked at again", () => {
    expect(value("$${NAME}", { NAME: "b" })).toBe("${NAME}");
    expect(value("${NAME}", { NAME: "${OTHER} $${" })).toBe("${OTHER} $${");
  });

  test("a number or a truth value may come from there", () => {
    const { config } = load(
      `${SMALL}\nserver: { port: "\${A}" }\nworkers: "\${B}"\nstrict_parameters: "\${C:-true}"\nlimits: { cache_read_weight: "\${D:-0.5}" }`,
      {
        environment: { A: "8081", B: "2" },
      },
    );
    expect(config.server.port).toBe(8081);
    expect(config.workers).toBe(2);
    expect(config.strictParameters).toBe(true);
    expect(config.limits.cacheReadWeight).toBe(0.5);
  });

  test("a number from there that is out of range is not shown", () => {
    expect(mistakes(`${SMALL}\nserver: { port: "\${P}" }`, { environment: { P: "70000" } })).toEqual([
      "line 8: server.port: expected a whole number from 0 to 65535, got a number from the environment",
    ]);
  });

  test("a text of digits stays a text", () => {
    expect(load(`${SMALL}\nadmin: { token: "\${T}" }`, { environment: { T: "0123456789012345" } }).config.admin.token).toBe(
      "0123456789012345",
    );
  });

  test("a variable that is not set is a mistake that names path, variable and cure", () => {
    expect(mistakes(`${SMALL}\nredis: { url: "\${REDIS_URL}" }`)).toEqual([
      "line 8: redis.url: expected the environment variable REDIS_URL, which is not set; set it, or write ${REDIS_URL:-} for an empty text",
    ]);
    expect(load(`${SMALL}\nredis: { url: "\${REDIS_URL:-}" }`).config.redis).toBeUndefined();
  });

  test("a reference that is none is a mistake", () => {
    for (const text of ["${}", "${1A}", "${A-b}", "${A"]) {
      expect(mistakes(`${SMALL}\nserver: { host: "${text}" }`)).toEqual([
        expect.stringContaining("line 8: server.host: expected ${NAME} or ${NAME:-default}"),
      ]);
    }
  });

  test("ports override the file, and one that is none is named without its value", () => {
    expect(load(`${SMALL}\nserver: { port: 1 }`, { environment: { PORT: "2" } }).config.server.port).toBe(2);
    expect(mistakes(SMALL, { environment: { PORT: "no-port" } })).toEqual([
      "PORT: expected a port from 0 to 65535 in this environment variable, got something else",
    ]);
  });

  test("REDIS_URL overrides the address, and gives way to a cluster", () => {
    const environment = { REDIS_URL: "rediss://:pw@cache:6379" };
    expect(load(SMALL, { environment }).config.redis).toMatchObject({ url: environment.REDIS_URL, tls: true });
    expect(load(`${SMALL}\nredis: { url: "redis://other:1", on_failure: closed }`, { environment }).config.redis).toMatchObject({
      url: environment.REDIS_URL,
      onFailure: "closed",
    });
    const { config, warnings } = load(`${SMALL}\nredis: { cluster: ["redis://10.0.0.1:6379"], password: p }`, { environment });
    expect(config.redis).toMatchObject({ url: undefined, cluster: ["redis://10.0.0.1:6379"], password: "p" });
    expect(warnings.join()).toContain("REDIS_URL is ignored");
  });

  test("the proxy is read in capitals or not", () => {
    expect(load(SMALL, { environment: { HTTPS_PROXY: "http://p:3128", NO_PROXY: "a,b" } }).config.proxy).toEqual({
      https: "http://p:3128",
      http: undefined,
      no: "a,b",
    });
    expect(load(SMALL, { environment: { HTTPS_PROXY: "http://p:1", https_proxy: "q:2" } }).config.proxy?.https).toBe("http://q:2");
    expect(mistakes(SMALL, { environment: { HTTPS_PROXY: "socks5://me:secret@p:1" } })).toEqual([
      expect.stringMatching(/^HTTPS_PROXY: expected an address(?!.*secret)/),
    ]);
  });
});

describe("secrets from files", () => {
  const yaml = SMALL.replace("aws_region: eu-central-1 }", "aws_region: eu-central-1, credentials: { bearer_token_file: token } }");

  test("a file beside the configuration is read, and the line end after it dropped", () => {
    for (const end of ["", "\n", "\r\n", "\n\n"]) {
      const { config } = load(yaml, { files: { token: ` a b${end}` } });
      expect(config.upstreams["bedrock-eu"]?.settings).toHaveProperty("credentials", { kind: "bearer", token: " a b" });
    }
  });

  test("a file that is absent, a directory or empty is a mistake that names it", () => {
    expect(mistakes(yaml)).toEqual([
      "line 2: upstreams.bedrock-eu.credentials.bearer_token_file: expected a readable file, got one which does not exist",
    ]);
    expect(mistakes(yaml.replace("file: token", "file: ."))).toEqual([expect.stringContaining("got one which is a directory")]);
    expect(mistakes(yaml, { files: { token: "\n" } })).toEqual([expect.stringContaining("expected a secret in this file, which is empty")]);
  });

  test("a pipe, a device or a file without end is a mistake, and nobody waits for it", () => {
    const pipe = join(mkdtempSync(join(tmpdir(), "weir-pipe-")), "token");
    expect(spawnSync("mkfifo", [pipe]).status).toBe(0);
    for (const place of [pipe, "/dev/zero"])
      expect(mistakes(yaml.replace("file: token", `file: ${place}`))).toEqual([
        "line 2: upstreams.bedrock-eu.credentials.bearer_token_file: expected a readable file, got one which is no regular file but a pipe, a socket or a device",
      ]);
    expect(runCheck({ file: pipe, environment: {} })).toMatchObject({ exitCode: 1, text: expect.stringContaining("a pipe") });
  });

  test("a link to a regular file is read, as a mounted secret is one", () => {
    const folder = mkdtempSync(join(tmpdir(), "weir-mounted-"));
    mkdirSync(join(folder, "..2026"));
    writeFileSync(join(folder, "..2026", "token"), "linked");
    symlinkSync("..2026", join(folder, "..data"));
    symlinkSync("..data/token", join(folder, "token"));
    const { config } = load(yaml.replace("file: token", `file: ${folder}/token`));
    expect(config.upstreams["bedrock-eu"]?.settings).toHaveProperty("credentials", { kind: "bearer", token: "linked" });
  });

  test("a secret of several lines is a mistake of the file that holds it", () => {
    expect(mistakes(yaml, { files: { token: "one\ntwo\n" } })).toEqual([
      "line 2: upstreams.bedrock-eu.credentials.bearer_token: expected a secret of one line, got one with a line break in it",
    ]);
  });

  test("a secret and its file at once are a mistake", () => {
    expect(mistakes(yaml.replace("file: token", "file: token, bearer_token: x"), { files: { token: "t" } })).toEqual([
      expect.stringContaining("bearer_token_file: expected bearer_token or bearer_token_file, got both"),
    ]);
  });

  test("the path may come from the environment, in a workspace's own upstream too", () => {
    const { config } = load(
      `workspaces: { byok: { upstreams: { own: { provider: azure, region: us, endpoint: "https://b.openai.azure.com", credentials: { api_key_file: "\${KEY_FILE}" } } }, models: { gpt-5: { targets: [{ upstream: own, model: m }] } } } }`,
      { environment: { KEY_FILE: "key" }, files: { key: "sesame\n" } },
    );
    expect(config.workspaces.byok?.upstreams.own?.settings).toHaveProperty("credentials", { kind: "key", apiKey: "sesame" });
  });

  test("an authority's file is read as PEM, or refused", () => {
    const withCa = SMALL.replace("aws_region: eu-central-1 }", "aws_region: eu-central-1, ca_file: ca.pem }");
    const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    expect(load(withCa, { files: { "ca.pem": pem } }).config.upstreams["bedrock-eu"]?.ca).toBe(pem);
    expect(mistakes(withCa, { files: { "ca.pem": "nothing" } })).toEqual([
      expect.stringContaining("ca_file: expected PEM certificates in this file, which holds none"),
    ]);
    expect(mistakes(withCa)).toEqual([expect.stringContaining("ca_file: expected a readable file")]);
  });
});

describe("tracing is asked for by OpenTelemetry's own variables", () => {
  const traced = (environment: Record<string, string>) => load(SMALL, { environment }).config.tracing !== undefined;
  const COLLECTOR = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };

  test("on with a collector or by name, off without, and where it is turned off", () => {
    expect(traced({})).toBe(false);
    expect(traced({ OTEL_SERVICE_NAME: "gateway" })).toBe(false);
    expect(traced(COLLECTOR)).toBe(true);
    expect(traced({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://collector/v1/traces" })).toBe(true);
    expect(traced({ OTEL_TRACES_EXPORTER: "otlp" })).toBe(true);
    expect(traced({ ...COLLECTOR, OTEL_TRACES_EXPORTER: "none" })).toBe(false);
    expect(traced({ ...COLLECTOR, OTEL_SDK_DISABLED: "true" })).toBe(false);
    expect(traced({ ...COLLECTOR, OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.01" })).toBe(true);
  });

  test("collector and sampler are known by their names, the collector without its path and password", () => {
    const target = (environment: Record<string, string>) => load(SMALL, { environment }).config.tracing;
    expect(target({ OTEL_TRACES_EXPORTER: "otlp" })).toEqual({ collector: "http://localhost:4318", sampler: "parentbased_always_on" });
    expect(
      target({
        ...COLLECTOR,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://me:secret@traces.example/v1/traces?key=secret",
        OTEL_TRACES_SAMPLER: "traceidratio",
        OTEL_TRACES_SAMPLER_ARG: "0.25",
      }),
    ).toEqual({ collector: "https://traces.example", sampler: "traceidratio 0.25" });
  });

  test("what the packages of OpenTelemetry take is no mistake", () => {
    const { warnings } = load(SMALL, {
      environment: {
        ...COLLECTOR,
        OTEL_EXPORTER_OTLP_TIMEOUT: " 10000 ",
        OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip",
        OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc==, x-tenant=a%2Cb",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test,note=a%3Db,empty=",
        OTEL_BSP_SCHEDULE_DELAY: "0",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "512",
        OTEL_BSP_EXPORT_TIMEOUT: "",
      },
    });
    expect(warnings).toEqual([]);
  });

  test("a variable that Weir does not follow, and a file that is not there, are warnings", () => {
    const environment = { ...COLLECTOR, OTEL_BSP_MAX_QUEUE_SIZE: "9", OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem" };
    expect(load(SMALL, { environment }).warnings).toEqual([
      "OTEL_EXPORTER_OTLP_CERTIFICATE: expected a readable file in this environment variable, got one which does not exist; spans are sent without it",
      "OTEL_BSP_MAX_QUEUE_SIZE: this environment variable is ignored: Weir holds at most 4,096 spans",
    ]);
  });

  test("a mistake in a variable is not said to be in the file", () => {
    const file = writeSample(`${SMALL}\nsever: {}`);
    const { text } = runCheck({
      file,
      environment: { ...COLLECTOR, OTEL_BSP_SCHEDULE_DELAY: "5s", PORT: "x", https_proxy: "socks5://p:1" },
    });
    expect(text.replaceAll(/(: expected|: is not a setting).*/g, "$1")).toBe(
      `${file}: 1 mistake\n  line 8: sever: is not a setting\nenvironment: 3 mistakes\n  PORT: expected\n  https_proxy: expected\n  OTEL_BSP_SCHEDULE_DELAY: expected\n`,
    );
    const found = runCheck({ file: writeSample(SMALL), environment: { PORT: "9090" } }).text;
    expect(found).toMatch(/^environment: 1 mistake\n {2}PORT: expected one port for the public listener and another one for the admin/);
  });

  const OFF = "; OTEL_TRACES_EXPORTER=none turns tracing off";
  const wrong: Record<string, [environment: Record<string, string>, message: string]> = {
    "an address of another kind": [
      { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317" },
      `OTEL_EXPORTER_OTLP_ENDPOINT: expected an address such as http://collector:4318 in this environment variable, got other text${OFF}`,
    ],
    "another protocol": [
      { ...COLLECTOR, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      `OTEL_EXPORTER_OTLP_PROTOCOL: expected http/protobuf (Weir speaks no other protocol to a collector) in this environment variable, got other text${OFF}`,
    ],
    "another exporter": [
      { OTEL_TRACES_EXPORTER: "zipkin" },
      `OTEL_TRACES_EXPORTER: expected otlp or none in this environment variable, got other text${OFF}`,
    ],
    "a sampler that there is not": [
      { ...COLLECTOR, OTEL_TRACES_SAMPLER: "traceidration" },
      `OTEL_TRACES_SAMPLER: expected one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio in this environment variable, got other text (did you mean "traceidratio"?)${OFF}`,
    ],
    "a share without a number": [
      { ...COLLECTOR, OTEL_TRACES_SAMPLER: "traceidratio" },
      `OTEL_TRACES_SAMPLER_ARG: expected a share from 0 to 1 in this environment variable, got other text${OFF}`,
    ],
    "a time-out with a unit": [
      { ...COLLECTOR, OTEL_EXPORTER_OTLP_TIMEOUT: "10s" },
      `OTEL_EXPORTER_OTLP_TIMEOUT: expected a whole number of milliseconds, at least 1, such as 10000 in this environment variable, got other text${OFF}`,
    ],
    "a time-out of nothing": [
      { ...COLLECTOR, OTEL_BSP_EXPORT_TIMEOUT: "0" },
      `OTEL_BSP_EXPORT_TIMEOUT: expected a whole number of milliseconds, at least 1, such as 10000 in this environment variable, got other text${OFF}`,
    ],
    "a delay below zero": [
      { ...COLLECTOR, OTEL_BSP_SCHEDULE_DELAY: "-1" },
      `OTEL_BSP_SCHEDULE_DELAY: expected a whole number of milliseconds, such as 5000 in this environment variable, got other text${OFF}`,
    ],
    "batches of no span": [
      { ...COLLECTOR, OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "0" },
      `OTEL_BSP_MAX_EXPORT_BATCH_SIZE: expected a whole number of at least 1 in this environment variable, got other text${OFF}`,
    ],
    "a compression that there is not": [
      { ...COLLECTOR, OTEL_EXPORTER_OTLP_COMPRESSION: "br" },
      `OTEL_EXPORTER_OTLP_COMPRESSION: expected gzip or none in this environment variable, got other text${OFF}`,
    ],
    "a header without a value": [
      { ...COLLECTOR, OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a,authorization" },
      `OTEL_EXPORTER_OTLP_HEADERS: expected headers such as name=value,name=value, with %2C for a comma and %3B for a semicolon in a value in this environment variable, got other text${OFF}`,
    ],
    "an attribute with two signs of equality": [
      { ...COLLECTOR, OTEL_RESOURCE_ATTRIBUTES: "a=b=c" },
      `OTEL_RESOURCE_ATTRIBUTES: expected attributes such as name=value,name=value, with %2C for a comma and %3D for = in a value, and at most 255 characters in each in this environment variable, got other text${OFF}`,
    ],
    "a share that is more than all": [
      { ...COLLECTOR, OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "50" },
      `OTEL_TRACES_SAMPLER_ARG: expected a share from 0 to 1 in this environment variable, got other text${OFF}`,
    ],
  };
  for (const [what, [environment, message]] of Object.entries(wrong)) {
    test(what, () => expect(mistakes(SMALL, { environment })).toEqual([message]));
  }
});
