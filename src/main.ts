/**
 * Weir's entry: reads the command line and the configuration, builds the parts, listens, drains.
 */
import process from "node:process";
import packageJson from "../package.json" with { type: "json" };
import { Admin } from "./admin/admin.ts";
import { Audit } from "./admin/audit.ts";
import { gatewayRoutes } from "./admin/gateway.ts";
import { Keyring } from "./auth.ts";
import { Catalog } from "./catalog.ts";
import { runAdminister } from "./commands/administer.ts";
import { runCheck } from "./commands/check.ts";
import { type Line, readLine } from "./commands/line.ts";
import { type Outcome, UsageMistake } from "./commands/outcome.ts";
import { runSchema } from "./commands/schema.ts";
import { ConfigError, type LoadedConfig, readConfig } from "./config.ts";
import type { Config } from "./contract/config.ts";
import { asGatewayError } from "./contract/errors.ts";
import type { Readiness } from "./contract/readiness.ts";
import { Gateway } from "./gateway.ts";
import { Admission } from "./limiter/admission.ts";
import { openLimiter } from "./limiter/index.ts";
import { LIMITER_STATES } from "./limiter/limiter.ts";
import { FAILURE_KINDS } from "./limiter/store.ts";
import { createLog } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { publishedPages } from "./openapi/pages.ts";
import { Pool } from "./pool.ts";
import { Reloader } from "./reload.ts";
import { isAddressInUse, type Listener, type ListenOptions, listen, runtimeName } from "./runtime.ts";
import { openTotals } from "./usage/index.ts";

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

/** How often the front samples its own lag and looks after the workers. */
const CARE_MS = 1_000;
/** How long the start waits for a first word from Redis; after that the policy decides until there is one. */
const REDIS_PATIENCE_MS = 2_000;
/** After the drain, for the last events to reach their clients. */
const FLUSH_MS = 1_000;

const SAME_SIGNAL_MS = 500;

async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  const environment = process.env;
  switch (line.command) {
    case "help":
      return say(line.text);
    case "version":
      return say(`${packageJson.version}\n`);
    case "check":
      return leave(runCheck({ file: line.file, environment }));
    case "schema":
      return leave(runSchema());
    case "administer":
      return leave(await runAdminister(line.asked, environment));
    case "start":
      return await start(line.file, environment);
  }
}

async function start(file: string | undefined, environment: Record<string, string | undefined>): Promise<void> {
  const configuration = await readConfiguration(file, environment);
  const { config, loaded } = configuration;
  const { log, accessLog, flush } = createLog(environment.WEIR_LOG_LEVEL);
  for (const warning of configuration.warnings) log.warn(warning);

  const metrics = new Metrics();
  const catalog = new Catalog(config);
  const pool = new Pool({
    size: config.workers,
    onDeath: (worker, reason, calls) => {
      metrics.workerRestarted();
      log.error({ worker, reason, calls }, "a worker died and is being replaced");
    },
  });
  await pool.configure({ proxy: config.proxy, weighing: catalog.weighing, targets: catalog.targets });
  metrics.sampleWorkers(() => pool.samples());

  const limiter = openLimiter({
    redis: config.redis,
    onState: (state, before, reason) => {
      metrics.limiterIs(state, LIMITER_STATES);
      if (state === "redis") log.info({ state, before }, "the limiter is back on Redis");
      else log.error({ state, before, reason }, "Redis is away: the limiter follows its policy");
    },
    onDuration: (operation, durationMs) => metrics.limiterTook(operation, durationMs),
    onFailure: (kind) => metrics.redisFailed(kind),
    onDebt: (_workspace, model, tokens) => metrics.debtMade(model, tokens),
    onLost: (count) => log.error({ count }, "settlements were given up: Redis was away for longer than they count"),
  });
  metrics.limiterIs(limiter.state, LIMITER_STATES);
  await limiter.contact(REDIS_PATIENCE_MS);

  const totals = openTotals(config.redis);
  let draining = false;
  let drainingSinceMs = 0;
  const readiness = (): Readiness => ({
    ready: !draining && pool.healthy > 0 && limiter.ready().ok,
    detail: {
      gateway: draining ? "draining" : "ok",
      limiter: limiter.ready().detail,
      directory: `ok: ${gateway.keys} keys from the configuration`,
      configuration: reloader?.state ?? "ok: sandbox",
      workers: `${pool.healthy} of ${pool.size} running`,
    },
  });

  let listener: Listener | undefined;
  const gateway: Gateway = new Gateway({
    config,
    admission: new Admission(limiter),
    keyring: new Keyring(Object.values(config.workspaces)),
    catalog,
    pool,
    metrics,
    accessLog,
    totals,
    readiness,
    pages: publishedPages(packageJson.version),
    holdOpen: (request) => listener?.holdOpen(request),
  });
  metrics.declare({
    version: packageJson.version,
    runtime: runtimeName(),
    keys: gateway.keys,
    redisErrors: FAILURE_KINDS,
    ...gateway.labels(),
  });
  const reloader = loaded === undefined ? undefined : new Reloader({ file, environment }, loaded, { gateway, pool, metrics, log });
  const audit = new Audit(log);
  let adminListener: Listener | undefined;
  const admin = new Admin({
    routes: [
      ...gatewayRoutes({ metrics, readiness, crashWorker: environment.WEIR_CHAOS === "1" ? () => pool.crashOne() : undefined }, audit),
    ],
    token: config.admin.token,
    version: packageJson.version,
    audit,
    onFault: (thrown) => log.error({ cause: asGatewayError(thrown).detail.log }, "the admin listener failed"),
    addressOf: (request) => adminListener?.addressOf(request) ?? "",
  });

  listener = open(config, { host: config.server.host, port: config.server.port, handle: (request) => gateway.handle(request) });
  adminListener = open(config, {
    host: config.admin.host,
    port: config.admin.port,
    handle: (request) => admin.handle(request),
    tellsAddresses: true,
  });
  care(pool, metrics);
  log.info(
    { port: listener.port, admin_port: adminListener.port, runtime: runtimeName(), workers: config.workers, sandbox: config.sandbox },
    "listening",
  );
  configuration.announce(listener.port, adminListener.port);

  const drain = async (): Promise<void> => {
    // A second signal ends at once. Ctrl-C under npm arrives up to three times (terminal, npm, its script): those are one.
    if (draining && performance.now() - drainingSinceMs > SAME_SIGNAL_MS) process.exit(EXIT_REFUSED);
    if (draining) return;
    draining = true;
    drainingSinceMs = performance.now();
    log.info({ open_calls: gateway.openCalls }, "draining");
    await delay(config.server.drainGraceMs);
    const closed = listener.close();
    await Promise.race([closed, delay(config.server.drainTimeoutMs)]);
    if (gateway.openCalls > 0) {
      log.warn({ open_calls: gateway.openCalls }, "the drain time is over: ending the calls that are left");
      pool.failAll("draining", "The gateway is restarting. Please try again.");
      await Promise.race([closed, delay(FLUSH_MS)]);
    }
    await Promise.race([Promise.all([limiter.close(), totals.close()]), delay(FLUSH_MS)]);
    log.info("drained");
    flush();
    process.exit(0);
  };
  if (reloader !== undefined) process.on("SIGHUP", () => void reloader.reload("SIGHUP"));
  process.on("SIGTERM", drain);
  process.on("SIGINT", drain);
}

interface Configuration {
  config: Config;
  warnings: readonly string[];
  /** As it was read from its file; undefined in sandbox mode, which has none. */
  loaded: LoadedConfig | undefined;
  /** Tells a person where to go; says nothing in production, where the log does. */
  announce(port: number, adminPort: number): void;
}

/** The configuration of `file`, or of sandbox mode where nobody has written one. Ends the process with every mistake listed where it is wrong. */
async function readConfiguration(file: string | undefined, environment: Record<string, string | undefined>): Promise<Configuration> {
  try {
    const loaded = readConfig({ file, environment });
    return loaded.config.sandbox ? await sandboxConfiguration(environment) : { ...loaded, loaded, announce: () => {} };
  } catch (thrown) {
    if (!(thrown instanceof ConfigError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    process.exit(EXIT_REFUSED);
  }
}

async function sandboxConfiguration(environment: Record<string, string | undefined>): Promise<Configuration> {
  const { startSandbox } = await import("./sandbox/sandbox.ts");
  const { announceDemo, DEMO_PACE_MS, demoConfiguration } = await import("./sandbox/demo.ts");
  const demo = demoConfiguration(await startSandbox({ paceMs: DEMO_PACE_MS }));
  const { config } = readConfig({ document: demo.document, sandbox: true, environment });
  return {
    config,
    loaded: undefined,
    warnings: ["sandbox mode: nothing is configured, so stand-ins answer in place of the clouds; not for production"],
    announce: (port, adminPort) => say(announceDemo(demo.key, port, adminPort)),
  };
}

/** With no configuration a port that is taken is not fatal: the next free one is used. */
function open(config: Config, options: ListenOptions): Listener {
  const attempts = config.sandbox ? 50 : 1;
  for (let attempt = 1; ; attempt++) {
    try {
      return listen({ ...options, port: options.port + attempt - 1 });
    } catch (thrown) {
      if (!isAddressInUse(thrown)) throw thrown;
      if (attempt < attempts) continue;
      process.stderr.write(`weir: port ${options.port} on ${options.host} is taken: free it, or choose another one in the configuration\n`);
      process.exit(EXIT_REFUSED);
    }
  }
}

/** Once a second: how late this thread is, and whether the workers still answer. */
function care(pool: Pool, metrics: Metrics): void {
  let expectedMs = performance.now() + CARE_MS;
  setInterval(() => {
    const nowMs = performance.now();
    metrics.frontLag(Math.max(0, nowMs - expectedMs));
    // Reports that wait behind a delay of our own would look like silence.
    if (nowMs - expectedMs < CARE_MS) pool.checkPulses(nowMs);
    expectedMs = nowMs + CARE_MS;
  }, CARE_MS);
}

function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function readCommandLine(words: string[]): Line {
  try {
    return readLine(words);
  } catch (thrown) {
    if (!(thrown instanceof UsageMistake)) throw thrown;
    process.stderr.write(`weir: ${thrown.message}\n`);
    process.exit(EXIT_USAGE);
  }
}

function say(text: string): void {
  process.stdout.write(text);
}

function leave({ text, exitCode }: Outcome): void {
  (exitCode === 0 ? process.stdout : process.stderr).write(text);
  process.exitCode = exitCode;
}

await main();
