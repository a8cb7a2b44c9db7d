/**
 * The program: reads the command line and the configuration, builds the parts, listens, drains.
 */
import process from "node:process";
import packageJson from "../../package.json" with { type: "json" };
import { Admin, directoryRoutes } from "../admin/admin.ts";
import { Audit } from "../admin/audit.ts";
import { gatewayRoutes } from "../admin/gateway.ts";
import { KnownHosts } from "../admin/hosts.ts";
import { usageFrom } from "../admin/usage.ts";
import { runAdminister } from "../commands/administer.ts";
import { runCheck, runOnlineCheck } from "../commands/check.ts";
import { type Line, readLine } from "../commands/line.ts";
import { type Outcome, UsageMistake } from "../commands/outcome.ts";
import { runSchema } from "../commands/schema.ts";
import type { Config } from "../contract/config.ts";
import { asGatewayError } from "../contract/errors.ts";
import { outliveFaults } from "../contract/fault.ts";
import type { Readiness } from "../contract/readiness.ts";
import { openStore } from "../directory/index.ts";
import { Replica } from "../directory/replica.ts";
import { Admission } from "../limiter/admission.ts";
import { openLimiter } from "../limiter/index.ts";
import { LIMITER_STATES } from "../limiter/limiter.ts";
import { FAILURE_KINDS } from "../limiter/store.ts";
import { createLog, type Log } from "../log/log.ts";
import { chooseFormat } from "../log/readable.ts";
import { Metrics } from "../metrics/metrics.ts";
import { PublishedPages } from "../openapi/pages.ts";
import { Pool } from "../pool/pool.ts";
import { openNeighbours } from "../redis/neighbours.ts";
import { AccessLog } from "../request/access-log.ts";
import { BodyClock } from "../request/body-clock.ts";
import { Deadlines } from "../request/deadlines.ts";
import { Gateway } from "../request/gateway.ts";
import { Keyring } from "../request/keyring.ts";
import { Room } from "../request/room.ts";
import { Shedding } from "../request/shedding.ts";
import { Catalog, type RoutedTarget } from "../routing/catalog.ts";
import { HealthBook, Router } from "../routing/router.ts";
import { open } from "../runtime/open.ts";
import { type Listener, openStream, runtimeName } from "../runtime/runtime.ts";
import { onEnding } from "../runtime/signals.ts";
import { Member } from "../supervisor/member.ts";
import { supervise } from "../supervisor/run.ts";
import { openTotals } from "../usage/index.ts";
import { care } from "./care.ts";
import { readConfiguration } from "./configuration.ts";
import { watchDescriptors } from "./descriptors.ts";
import { InForce } from "./in-force.ts";
import { Reloader } from "./reload.ts";

const EXIT_REFUSED = 1;
const EXIT_USAGE = 2;

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
  // What a process of several says is data for its supervisor.
  const format = chooseFormat(member === undefined ? environment.WEIR_LOG_FORMAT : "json", process.stdout.isTTY === true);
  const base = member === undefined ? {} : { process: member.index };
  const logging = createLog(environment.WEIR_LOG_LEVEL || undefined, base, format);
  const { log } = logging;
  // Several processes have their supervisor say it once.
  if (member === undefined) for (const warning of configuration.warnings) log.warn(warning);
  const hosts = new KnownHosts([config.admin.host, ...config.admin.hosts]);
  if (member === undefined && config.processes > 1) return await supervise({ config, environment, logging, hosts, tellListening });

  const metrics = new Metrics();
  const targetHealth = new HealthBook();
  const catalog = new Catalog(config, targetHealth);
  const pool = new Pool({
    size: config.workers,
    onDeath: (worker, reason, calls) => {
      metrics.workerRestarted();
      log.error({ worker, reason, calls }, "a worker died and is being replaced");
    },
    onNotice: (worker, cause) => log.error({ worker, cause }, "a worker met something wrong, and goes on"),
  });
  const configured = pool.configure({ proxy: config.proxy, weighing: catalog.weighing, targets: catalog.targets });
  const bodyClock = new BodyClock(config.server.clocks.sendingMs);
  const shedding = new Shedding((isOn) => {
    if (isOn) log.warn("this thread is more than a second behind: new calls are refused until it has caught up");
    else log.info("this thread has caught up: calls are taken again");
  });
  // Already now: a worker may never begin.
  care({ pool, metrics, bodyClock, shedding });
  await configured;
  const room = new Room(config.server, shedding);
  metrics.sample(
    () => pool.samples(),
    () => room.bufferedBytes,
  );

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

  let draining = false;
  const isPerProcess = config.processes > 1 && config.redis === undefined;
  const readiness = (): Readiness => ({
    ready: !draining && pool.isWell() && limiter.ready().ok,
    detail: {
      gateway: draining ? "draining" : "ok",
      limiter: limiter.ready().detail + (isPerProcess ? `; each of the ${config.processes} processes has its own` : ""),
      directory: directory.state,
      configuration: reloader?.state ?? "ok: sandbox",
      workers: pool.state(),
      ...targetHealth.lines(),
    },
  });

  const pages = new PublishedPages(packageJson.version, config);
  let listener: Listener | undefined;
  const gateway: Gateway = new Gateway({
    config,
    admission: new Admission(limiter),
    keyring: new Keyring(directory),
    catalog,
    router: new Router<RoutedTarget>((target, cause) => {
      const { state } = target.health;
      const place = { upstream: target.upstream.name, upstream_model: target.model };
      if (state === "closed") log.info(place, "a target answers again: it is tried like the others");
      else log.warn({ ...place, cause }, "a target fails: calls go to others, and it is probed now and then");
    }),
    pool,
    metrics,
    room,
    accessLog: new AccessLog(logging.lines, base),
    totals,
    readiness,
    pages,
    bodyClock,
    deadlines: new Deadlines(),
    turn: (request, turn) => listener?.turn(request, turn),
    openStream,
  });
  metrics.declare({
    version: packageJson.version,
    runtime: runtimeName(),
    redisErrors: FAILURE_KINDS,
    ...gateway.labels(),
  });
  // Several processes of one gateway have the first one look.
  const neighbours = member === undefined || member.index === 0 ? openNeighbours(config, (text) => log.warn(text)) : undefined;
  inForce = new InForce(config, { gateway, pool, metrics, directory, health: targetHealth, neighbours, pages });
  metrics.upstreams.sampleBreakers(() => gateway.breakers());
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
      ...gatewayRoutes({ metrics, readiness, drill: environment.WEIR_CHAOS === "1" ? (how) => pool.drill(how) : undefined }, audit),
    ],
    token: config.admin.token,
    hosts,
    version: packageJson.version,
    audit,
    onFault: (thrown) => log.error({ cause: asGatewayError(thrown).detail.log }, "the admin listener failed"),
    addressOf: (request) => member?.peerOf(request) ?? adminListener?.addressOf(request) ?? "",
  });

  const places = member === undefined ? config : await member.places();
  const onFault = (thrown: unknown) => log.error({ cause: asGatewayError(thrown).detail.log }, "a listener failed");
  const refuse = (request: Request, flaw: string) => gateway.refuse(request, flaw);
  listener = open(config, { ...places.server, handle: (request) => gateway.handle(request), refuse, onFault });
  const answerAdmin = (request: Request) => admin.handle(request);
  const handle = member === undefined ? answerAdmin : member.administer(answerAdmin, () => metrics.snapshot());
  // From here on: a fault of the start ends it.
  outliveFaults((thrown) => log.error({ cause: asGatewayError(thrown).detail.log }, "a fault that belongs to no call"));
  adminListener = open(config, { ...places.admin, handle, refuse: (_, flaw) => admin.refuse(flaw), onFault, tellsAddresses: true });
  watchDescriptors(listener, adminListener, log);
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
    neighbours?.close();
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
