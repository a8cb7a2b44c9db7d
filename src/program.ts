/**
 * The program: reads the command line and the configuration, builds the parts, listens, drains.
 */
import process from "node:process";
import packageJson from "../package.json" with { type: "json" };
import { Admin, directoryRoutes } from "./admin/admin.ts";
import { Audit } from "./admin/audit.ts";
import { gatewayRoutes } from "./admin/gateway.ts";
import { usageFrom } from "./admin/usage.ts";
import { Keyring } from "./auth.ts";
import { Catalog } from "./catalog.ts";
import { runAdminister } from "./commands/administer.ts";
import { runCheck, runOnlineCheck } from "./commands/check.ts";
import { type Line, readLine } from "./commands/line.ts";
import { type Outcome, UsageMistake } from "./commands/outcome.ts";
import { runSchema } from "./commands/schema.ts";
import { ConfigError, type LoadedConfig, readConfig } from "./config.ts";
import { type Config, withFixed } from "./contract/config.ts";
import { asGatewayError } from "./contract/errors.ts";
import type { Readiness } from "./contract/readiness.ts";
import { openStore } from "./directory/index.ts";
import { Replica } from "./directory/replica.ts";
import { Gateway } from "./gateway.ts";
import { InForce } from "./in-force.ts";
import { Admission } from "./limiter/admission.ts";
import { openLimiter } from "./limiter/index.ts";
import { LIMITER_STATES } from "./limiter/limiter.ts";
import { FAILURE_KINDS } from "./limiter/store.ts";
import { createLog, type Log } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { open } from "./open.ts";
import { publishedPages } from "./openapi/pages.ts";
import { Pool } from "./pool.ts";
import { Reloader } from "./reload.ts";
import { type Listener, openStream, runtimeName } from "./runtime.ts";
import { onEnding } from "./signals.ts";
import { Member } from "./supervisor/member.ts";
import { supervise } from "./supervisor/run.ts";
import { UpstreamHealth } from "./upstream-health.ts";
import { openTotals } from "./usage/index.ts";

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

/** How often the front samples its own lag and looks after the workers. */
const CARE_MS = 1_000;
/** How long the start waits for a first word from Redis; after that the policy decides until there is one. */
const REDIS_PATIENCE_MS = 2_000;
/** After the drain, for the last events to reach their clients. */
const FLUSH_MS = 1_000;

export async function main(): Promise<void> {
  const line = readCommandLine(process.argv.slice(2));
  const environment = process.env;
  switch (line.command) {
    case "help":
      return say(line.text);
    case "version":
      return say(`${packageJson.version}\n`);
    case "check":
      return leave(await (line.online ? runOnlineCheck : runCheck)({ file: line.file, environment }), line.online);
    case "schema":
      return leave(runSchema());
    case "administer":
      return leave(await runAdminister(line.asked, environment));
    case "start":
      return await start(line.file, environment);
  }
}

async function start(file: string | undefined, environment: Record<string, string | undefined>): Promise<void> {
  const member = Member.of(environment);
  const configuration = await readConfiguration(file, environment, member);
  const { config, loaded } = configuration;
  const logging = createLog(environment.WEIR_LOG_LEVEL || undefined, member === undefined ? null : { process: member.index });
  const { log, accessLog } = logging;
  // Several processes have their supervisor say it once.
  if (member === undefined) for (const warning of configuration.warnings) log.warn(warning);
  if (member === undefined && config.processes > 1) return await supervise({ config, environment, logging, tellListening });

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
  let inForce: InForce | undefined;
  const directory = new Replica(
    config,
    openStore(config, (text) => log.warn(text)),
    {
      onKeys: (counts) => metrics.keysKnown(counts),
      onTrouble: (cause) => log.error({ cause }, "the directory cannot be read: keys are known as they were"),
      onWorkspaces: () => inForce?.refresh(),
    },
  );
  await Promise.race([directory.refresh(), delay(REDIS_PATIENCE_MS)]);
  directory.watch();

  const health = new UpstreamHealth();
  let draining = false;
  const isPerProcess = config.processes > 1 && config.redis === undefined;
  const readiness = (): Readiness => ({
    ready: !draining && pool.healthy > 0 && limiter.ready().ok,
    detail: {
      gateway: draining ? "draining" : "ok",
      limiter: limiter.ready().detail + (isPerProcess ? `; each of the ${config.processes} processes has its own` : ""),
      directory: directory.state,
      configuration: reloader?.state ?? "ok: sandbox",
      workers: pool.state,
      ...health.lines(gateway.upstreams()),
    },
  });

  let listener: Listener | undefined;
  const gateway: Gateway = new Gateway({
    config,
    admission: new Admission(limiter),
    keyring: new Keyring(directory),
    catalog,
    pool,
    metrics,
    accessLog,
    totals,
    health,
    readiness,
    pages: publishedPages(packageJson.version),
    holdOpen: (request) => listener?.holdOpen(request),
    openStream,
  });
  metrics.declare({
    version: packageJson.version,
    runtime: runtimeName(),
    redisErrors: FAILURE_KINDS,
    ...gateway.labels(),
  });
  inForce = new InForce(config, { gateway, pool, metrics, directory });
  inForce.refresh();
  const reloader = loaded === undefined ? undefined : new Reloader({ file, environment }, loaded, { inForce, metrics, log });
  const audit = new Audit(log);
  let adminListener: Listener | undefined;
  const admin = new Admin({
    routes: [
      ...directoryRoutes({
        directory,
        usage: usageFrom((workspace) => gateway.limits(workspace), limiter, totals),
        audit,
        served: () => inForce?.config ?? config,
      }),
      ...gatewayRoutes({ metrics, readiness, crashWorker: environment.WEIR_CHAOS === "1" ? () => pool.crashOne() : undefined }, audit),
    ],
    token: config.admin.token,
    version: packageJson.version,
    audit,
    onFault: (thrown) => log.error({ cause: asGatewayError(thrown).detail.log }, "the admin listener failed"),
    addressOf: (request) => adminListener?.addressOf(request) ?? "",
  });

  const places = member === undefined ? config : await member.places();
  listener = open(config, { ...places.server, handle: (request) => gateway.handle(request) });
  const answerAdmin = (request: Request) => admin.handle(request);
  const handle = member === undefined ? answerAdmin : member.administer(answerAdmin, () => metrics.snapshot());
  adminListener = open(config, { ...places.admin, handle, tellsAddresses: true });
  care(pool, metrics);
  if (member === undefined) tellListening(log, config, listener.port, adminListener.port);
  configuration.announce(listener.port, adminListener.port);

  const drain = async (): Promise<void> => {
    if (draining) return;
    draining = true;
    log.info({ open_calls: gateway.openCalls }, "draining");
    await delay(config.server.drainGraceMs);
    const closed = listener.close();
    await Promise.race([closed, delay(config.server.drainTimeoutMs)]);
    if (gateway.openCalls > 0) {
      log.warn({ open_calls: gateway.openCalls }, "the drain time is over: ending the calls that are left");
      pool.failAll("draining", "The gateway is restarting. Please try again.");
      await Promise.race([closed, delay(FLUSH_MS)]);
    }
    await Promise.race([Promise.all([limiter.close(), totals.close(), directory.close()]), delay(FLUSH_MS)]);
    log.info("drained");
    await logging.end();
    process.exit(0);
  };
  if (reloader !== undefined) process.on("SIGHUP", () => void reloader.reload("SIGHUP"));
  onEnding(drain, () => void logging.end().then(() => process.exit(EXIT_REFUSED)));
  member?.serve(adminListener.port, {
    reload: () => void reloader?.reload("SIGHUP"),
    drain: () => void drain(),
  });
}

function tellListening(log: Log["log"], config: Config, port: number, adminPort: number): void {
  const { processes, workers, sandbox } = config;
  log.info(
    { port, admin_port: adminPort, runtime: runtimeName(), ...(processes === 1 ? {} : { processes }), workers, sandbox },
    "listening",
  );
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
async function readConfiguration(
  file: string | undefined,
  environment: Record<string, string | undefined>,
  member: Member | undefined,
): Promise<Configuration> {
  try {
    const read = readConfig({ file, environment });
    if (read.config.sandbox && member === undefined) return await sandboxConfiguration(environment);
    if (read.config.sandbox) throw new ConfigError("configuration", ["expected the file that Weir was started with, got none"]);
    const loaded = member === undefined ? read : { ...read, config: withFixed(read.config, await member.settings()) };
    return { config: loaded.config, warnings: loaded.warnings, loaded, announce: () => {} };
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

/** @param atOnce - connections may be open that nobody closes. */
function leave({ text, exitCode }: Outcome, atOnce = false): void {
  process.exitCode = exitCode;
  (exitCode === 0 ? process.stdout : process.stderr).write(text, () => {
    if (atOnce) process.exit(exitCode);
  });
}
