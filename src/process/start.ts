/** The start of the gateway, from the configuration to the first call; or of the supervisor, where there are several processes. */

import process from "node:process";
import { Admin, directoryRoutes } from "../admin/admin.ts";
import { Audit } from "../admin/audit.ts";
import { gatewayRoutes } from "../admin/gateway.ts";
import { KnownHosts } from "../admin/hosts.ts";
import { usageFrom } from "../admin/usage.ts";
import type { Config } from "../contract/config.ts";
import { asGatewayError } from "../contract/errors.ts";
import { EXIT_REFUSED } from "../contract/exit.ts";
import { outliveFaults } from "../contract/fault.ts";
import { webHandler } from "../http/web.ts";
import { Admission } from "../limiter/admission.ts";
import { FAILURE_KINDS } from "../limiter/store.ts";
import { createLog, type Logger } from "../log/log.ts";
import { chooseFormat } from "../log/readable.ts";
import { PublishedPages } from "../openapi/pages.ts";
import { openNeighbours } from "../redis/neighbours.ts";
import { AccessLog } from "../request/access-log.ts";
import { Callers } from "../request/client/caller.ts";
import { TrustedProxies } from "../request/client/forwarded.ts";
import { Keyring } from "../request/client/keyring.ts";
import { Gateway, type GatewayParts } from "../request/gateway.ts";
import { Router } from "../routing/router.ts";
import type { RoutedTarget } from "../routing/targets.ts";
import { watchDescriptors } from "../runtime/descriptors.ts";
import { open } from "../runtime/open.ts";
import { type Listener, runtimeName } from "../runtime/runtime.ts";
import { onEnding } from "../runtime/signals.ts";
import { Member } from "../supervisor/member.ts";
import { openTracing } from "../tracing/open.ts";
import { readConfiguration } from "./configuration.ts";
import { Drain } from "./drain.ts";
import { InForce } from "./in-force.ts";
import { buildParts, type Parts } from "./parts.ts";
import { Ready } from "./ready.ts";
import { Reloader } from "./reload.ts";

type Environment = Record<string, string | undefined>;

export async function start(file: string | undefined, environment: Environment, version: string): Promise<void> {
  const member = Member.of(environment);
  const configuration = await readConfiguration(file, environment, member);
  const { config, loaded } = configuration;
  // With several processes, the supervisor reads the output of each.
  const format = chooseFormat(member === undefined ? environment.WEIR_LOG_FORMAT : "json", process.stdout.isTTY === true);
  const base = member === undefined ? {} : { process: member.index };
  const logging = createLog(environment.WEIR_LOG_LEVEL || undefined, base, format);
  const { log } = logging;
  // With several processes, only the supervisor writes the warnings.
  if (member === undefined) for (const warning of configuration.warnings) log.warn(warning);
  const hosts = new KnownHosts([config.admin.host, ...config.admin.hosts]);
  if (member === undefined && config.processes > 1) {
    const { supervise } = await import("../supervisor/run.ts");
    return await supervise({ config, environment, logging, hosts, tellListening });
  }

  const parts = await buildParts(config, log);
  const { metrics, catalog, pool, limiter, totals, directory, targetHealth } = parts;
  const ready = new Ready();
  const pages = new PublishedPages(version, config);
  const proxies = new TrustedProxies(config.server.trustedProxies);
  const onSpans = (result: "exported" | "dropped", count: number) => metrics.traced(result, count);
  const tracing = await openTracing(config.tracing !== undefined, { version, process: member?.index, onSpans });
  const accessLog = new AccessLog(logging.lines, config.log, base);
  const gateway = makeGateway({
    ...parts,
    config,
    pages,
    accessLog,
    callers: new Callers(proxies, tracing),
    router: routerTelling(log),
    readiness: () => ready.report(),
  });
  metrics.declare({ version, runtime: runtimeName(), redisErrors: FAILURE_KINDS, ...gateway.labels() });
  metrics.upstreams.sampleBreakers(() => gateway.breakers());
  // With several processes, only the first one looks.
  const neighbours = member === undefined || member.index === 0 ? openNeighbours(config, (text) => log.warn(text)) : undefined;
  const identity = config.server.tls && config.identity !== undefined ? { current: config.identity } : undefined;
  if (identity !== undefined) metrics.front.certificateExpires("public", identity.current.expiresAtMs);
  const inForce = new InForce(config, catalog, {
    gateway,
    pool,
    metrics,
    directory,
    health: targetHealth,
    neighbours,
    pages,
    accessLog,
    identity,
    environment,
  });
  directory.onWorkspaces(() => inForce.refresh());
  const reloader = loaded === undefined ? undefined : new Reloader({ file, environment }, loaded, { inForce, metrics, log });

  /** The address of the admin listener's client. */
  const addresses = new WeakMap<Request, string>();
  const audit = new Audit(log);
  const admin = new Admin({
    routes: [
      ...directoryRoutes({
        directory,
        usage: usageFrom((workspace) => gateway.limits(workspace), limiter, totals),
        audit,
        served: () => inForce.config,
      }),
      ...gatewayRoutes(
        { metrics, readiness: () => ready.report(), drill: environment.WEIR_CHAOS === "1" ? (how) => pool.drill(how) : undefined },
        audit,
      ),
    ],
    token: config.admin.token,
    hosts,
    version,
    audit,
    onFault: (thrown) => log.error({ cause: asGatewayError(thrown).detail.log }, "the admin listener failed"),
    addressOf: (request) => proxies.clientOf(member?.peerOf(request) ?? addresses.get(request) ?? "unknown", request.headers),
  });

  const places = member === undefined ? config : await member.places();
  const onFault = (thrown: unknown) => log.error({ cause: asGatewayError(thrown).detail.log }, "a listener failed");
  const answerAdmin = (request: Request) => admin.handle(request);
  const handleAdmin = member === undefined ? answerAdmin : member.administer(answerAdmin, () => metrics.snapshot());
  // Not earlier: a fault during the start must end the start.
  outliveFaults((thrown) => log.error({ cause: asGatewayError(thrown).detail.log }, "a fault that belongs to no call"));
  const listener: Listener = await open(config, {
    ...places.server,
    identity,
    handle: (asked) => gateway.handle(asked),
    refuse: (asked, flaw) => gateway.refuse(asked, flaw),
    onFault,
  });
  const drain = new Drain({ ...parts, config, gateway, listener, logging, neighbours, tracing });
  ready.add(
    "gateway",
    () => (drain.begun ? "draining" : "ok"),
    () => !drain.begun,
  );
  addLines(ready, config, parts, () => reloader?.state ?? "ok: sandbox");
  ready.addLines(() => targetHealth.lines());
  const adminListener: Listener = await open(config, {
    ...places.admin,
    handle: webHandler((request, address) => {
      addresses.set(request, address);
      return handleAdmin(request);
    }),
    refuse: (_, { message }) => admin.refuse(message),
    onFault,
  });
  watchDescriptors(listener, adminListener, log);
  metrics.front.sampleConnections("public", () => listener.connections);
  metrics.front.sampleConnections("admin", () => adminListener.connections);
  if (member === undefined) tellListening(log, config, listener.port, adminListener.port);
  configuration.announce(listener.port, adminListener.port);

  if (reloader !== undefined) process.on("SIGHUP", () => void reloader.reload("SIGHUP"));
  onEnding(
    () => void drain.begin(),
    () => void logging.end().then(() => process.exit(EXIT_REFUSED)),
  );
  member?.serve(adminListener.port, {
    reload: () => void reloader?.reload("SIGHUP"),
    drain: () => void drain.begin(),
  });
}

function makeGateway(parts: Parts & Pick<GatewayParts, "config" | "pages" | "accessLog" | "callers" | "router" | "readiness">): Gateway {
  return new Gateway({ ...parts, admission: new Admission(parts.limiter), keyring: new Keyring(parts.directory) });
}

function routerTelling(log: Logger): Router<RoutedTarget> {
  return new Router<RoutedTarget>((target, cause) => {
    const place = { upstream: target.upstream.name, upstream_model: target.model };
    if (target.health.state === "closed") log.info(place, "a target answers again: it gets calls like the others");
    else log.warn({ ...place, cause }, "a target fails: calls go to other targets, and this one is tried again from time to time");
  });
}

function addLines(ready: Ready, config: Config, { limiter, directory, pool }: Parts, configuration: () => string): void {
  const isPerProcess = config.processes > 1 && config.redis === undefined;
  ready.add(
    "limiter",
    () => limiter.ready().detail + (isPerProcess ? `; each of the ${config.processes} processes has its own` : ""),
    () => limiter.ready().ok,
  );
  ready.add("directory", () => directory.state);
  ready.add("configuration", configuration);
  ready.add(
    "workers",
    () => pool.state(),
    () => pool.isWell(),
  );
}

function tellListening(log: Logger, config: Config, port: number, adminPort: number): void {
  const { processes, workers, sandbox } = config;
  log.info(
    { port, admin_port: adminPort, runtime: runtimeName(), ...(processes === 1 ? {} : { processes }), workers, sandbox },
    "listening",
  );
}
