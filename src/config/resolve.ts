/** Makes `Config` of the checked file: converts units, and checks names that refer to other settings. */
import type { Config, Cors, Workspace } from "../contract/config.ts";
import { isNetwork } from "../contract/networks.ts";
import { clocks, silence, span } from "./clocks.ts";
import type { ResolveContext } from "./context.ts";
import { resolveIdentity } from "./identity.ts";
import { checkLogLevel, resolveBodies, resolveProxy, resolveRedis, resolveThreads, withPorts } from "./machine.ts";
import { fromCatalogue, limitsOf, resolveModels } from "./models.ts";
import type { Path } from "./problems.ts";
import type { File } from "./schema/file.ts";
import { resolveTracing } from "./tracing.ts";
import { Upstreams } from "./upstreams.ts";
import { checkWhole } from "./whole.ts";
import { checkKeys, resolveWorkspace } from "./workspaces.ts";

/** @param written - the file with its mistakes: a name in it is known, also where its settings are wrong */
export function resolveFile(file: File, written: unknown, context: ResolveContext): Config {
  checkLogLevel(context);
  const ports = withPorts(file, context);
  const base = clocks({ connectMs: 0, firstByteMs: 0, silenceMs: 0, totalMs: 0 }, file.timeouts, ["timeouts"], context);
  const shared = new Upstreams(context);
  for (const [name, settings] of Object.entries(file.upstreams)) shared.add(name, settings, ["upstreams", name], base);
  shared.addNames(keysOf(written, ["upstreams"]));

  const models = file.models === undefined ? fromCatalogue(shared, context) : resolveModels(file.models, shared, context);
  // A mistake in an upstream may be the only reason why a model of the catalogue is missing: its name is known.
  const offered = file.models === undefined && context.problems.length > 0 ? context.catalogue.entries.keys() : [];
  const modelNames = new Set([...Object.keys(models), ...keysOf(written, ["models"]), ...offered]);
  const workspaces: Record<string, Workspace> = Object.create(null);
  for (const [name, settings] of Object.entries(file.workspaces)) {
    workspaces[name] = resolveWorkspace(name, settings, {
      namesWritten: (path) => keysOf(written, path),
      base,
      shared,
      models,
      modelNames,
      context,
    });
  }
  checkKeys(workspaces, context);
  const threads = resolveThreads(file, context.processors);
  const identity = resolveIdentity(file.server.tls, context);
  const config: Config = {
    sandbox: context.isSandbox,
    server: {
      host: file.server.host,
      port: ports.server,
      ...resolveBodies(file, threads.processes, context),
      maxCalls: file.server.max_calls,
      maxConnections: file.server.max_connections,
      tls: file.server.tls !== undefined,
      clocks: {
        headMs: silence(file.server.head_timeout, ["server", "head_timeout"], context),
        sendingMs: silence(file.server.body_timeout, ["server", "body_timeout"], context),
        readingMs: silence(file.server.reader_timeout, ["server", "reader_timeout"], context),
        idleMs: silence(file.server.idle_timeout, ["server", "idle_timeout"], context),
      },
      drainTimeoutMs: span(file.server.drain_timeout, ["server", "drain_timeout"], 0, context),
      drainGraceMs: span(file.server.drain_grace, ["server", "drain_grace"], 0, context),
      trustedProxies: proxies(file.server.trusted_proxies, context),
      serverTiming: file.server.server_timing,
      cors: resolveCors(file.server.cors, context),
    },
    identity,
    admin: { host: file.admin.host, port: ports.admin, token: file.admin.token || undefined, hosts: file.admin.hosts },
    ...threads,
    redis: resolveRedis(file, context),
    directory: { file: context.locate(file.directory.file) },
    log: {
      sample: file.log.sample,
      slowMs: span(file.log.slow, ["log", "slow"], 0, context),
      attribution: file.log.attribution,
    },
    limits: limitsOf(file.limits),
    strictParameters: file.strict_parameters,
    proxy: resolveProxy(context),
    tracing: resolveTracing(context),
    upstreams: shared.resolved,
    models,
    workspaces,
  };
  if (context.problems.length === 0) checkWhole(config, file, context);
  return config;
}

/** The proxies that are believed; a mistake in one of them is reported, since a network that is too wide would let clients choose their address. */
function proxies(written: readonly string[], { problems, warnings }: ResolveContext): readonly string[] {
  for (const [at, text] of written.entries()) {
    const path = ["server", "trusted_proxies", String(at)];
    if (!isNetwork(text)) problems.push({ path, text: "expected an address or a network such as 10.0.0.0/8 or fd00::/8, got other text" });
    else if (text.endsWith("/0")) warnings.push({ path, text: "is the whole internet: every client may then say that it has any address" });
  }
  return written;
}

function keysOf(value: unknown, path: Path): string[] {
  let node = value;
  for (const key of path) {
    if (typeof node !== "object" || node === null || !Object.hasOwn(node, key)) return [];
    node = (node as Record<string, unknown>)[key];
  }
  return typeof node === "object" && node !== null ? Object.keys(node) : [];
}

/** The ports that a browser leaves out of an origin. */
const DEFAULT_PORT = /^(https:.*):443$|^(http:.*):80$/;

/** Origins as browsers send them. */
function resolveCors(settings: File["server"]["cors"], context: ResolveContext): Cors | undefined {
  if (settings === undefined) return undefined;
  const { origins } = settings;
  return {
    origins: origins === "*" ? "*" : [...new Set(origins.map(asSent))],
    maxAgeMs: span(settings.max_age, ["server", "cors", "max_age"], 0, context),
  };
}

function asSent(written: string): string {
  return written.toLowerCase().replace(DEFAULT_PORT, "$1$2");
}
