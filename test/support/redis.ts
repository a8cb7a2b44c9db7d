/**
 * Real Redis servers for tests: `redis-server` and `redis-cli` from PATH, ports chosen by the system, files in a new directory, which is removed
 * with them. Every process is ended by its id.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isCollecting, source } from "./collected.ts";
import { pause } from "./waits.ts";

/** False where the machine has no Redis: tests that need it are then skipped, and say so. */
export const haveRedis = spawnSync("redis-server", ["--version"]).status === 0;

const PATIENCE_MS = 10_000;

/**
 * Ends the server when its standard input does: with this process, however that ends (`bun test` runs no exit handlers). First line out: the server's
 * id. The watch is another process, since `bun test` kills what a test that ran out of time has spawned: this shell, and not the server.
 */
const KEEPER = 'exec 3<&0; redis-server "$@" >/dev/null 2>&1 3<&- & echo $!; (read -r _ <&3; kill -9 $!) 2>/dev/null >/dev/null & wait $!';

export class RedisServer {
  readonly port: number;
  readonly directory: string;
  readonly #args: string[];
  #keeper: ChildProcess | undefined;
  #pid = 0;

  constructor(port: number, directory: string, args: string[]) {
    this.port = port;
    this.directory = directory;
    this.#args = args;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    // The port of one that was killed can stay taken for a moment after its process is gone.
    const freeUntil = performance.now() + PATIENCE_MS;
    while (!(await isFree(this.port)) && performance.now() < freeUntil) await pause(20);
    const keeper = spawn("sh", ["-c", KEEPER, "sh", ...this.#args], { cwd: this.directory, stdio: ["pipe", "pipe", "ignore"] });
    this.#keeper = keeper;
    this.#pid = await new Promise((resolve) => keeper.stdout.once("data", (text) => resolve(Number(text))));
    const until = performance.now() + PATIENCE_MS;
    while (!(await answers(this.port))) {
      if (performance.now() > until) throw new Error(`redis-server on port ${this.port} did not start`);
      await pause(20);
    }
  }

  /** CPU microseconds that the server has used so far (Linux). */
  async cpuUs(): Promise<number> {
    const info = await redisCli(this.port, ["info", "cpu"]);
    const of = (name: string): number => Number(new RegExp(`${name}:([0-9.]+)`).exec(info)?.[1] ?? Number.NaN);
    return (of("used_cpu_sys") + of("used_cpu_user")) * 1e6;
  }

  /** Stops the process: connections stay open, nothing is answered. */
  freeze(): void {
    process.kill(this.#pid, "SIGSTOP");
  }

  thaw(): void {
    process.kill(this.#pid, "SIGCONT");
  }

  async kill(): Promise<void> {
    const keeper = this.#keeper;
    if (keeper === undefined) return;
    this.#keeper = undefined;
    if (isCollecting()) await this.#collect();
    const gone = new Promise<void>((resolve) => keeper.once("exit", () => resolve()));
    keeper.stdin?.end();
    await gone;
  }

  /** Copies what it holds, as plain text, for the search for secrets. A server that does not answer, or wants a password, gives nothing. */
  async #collect(): Promise<void> {
    await redisCli(this.port, ["save"]).catch(() => {});
    const file = join(this.directory, "dump.rdb");
    if (!existsSync(file)) return;
    source("redis.rdb")(readFileSync(file, "latin1"));
    // A server that is started again must not find it.
    rmSync(file);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A server without persistence on a free port. `args` as on the command line of redis-server. */
export async function startRedis(args: string[] = []): Promise<RedisServer> {
  const port = await freePort();
  const server = new RedisServer(port, mkdtempSync(join(tmpdir(), "weir-redis-")), serverArguments(port, args));
  await server.start();
  return server;
}

/** Speaks TLS only, with a self-signed certificate for 127.0.0.1; `certificate` is its file. Needs `openssl`. */
export async function startTlsRedis(): Promise<RedisServer & { certificate: string }> {
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "weir-redis-tls-"));
  const [certificate, key] = [join(directory, "certificate.pem"), join(directory, "key.pem")];
  const form = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  await run("openssl", [
    "req",
    ...form,
    "-keyout",
    key,
    "-out",
    certificate,
    "-subj",
    "/CN=127.0.0.1",
    "-addext",
    "subjectAltName=IP:127.0.0.1",
  ]);
  const tls = ["--tls-port", String(port), "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate];
  const server = new RedisServer(port, directory, serverArguments(0, [...tls, "--tls-auth-clients", "no"]));
  await server.start();
  return Object.assign(server, { certificate });
}

/** Masters only, all slots covered. */
export async function startRedisCluster(masters: number): Promise<RedisServer[]> {
  const servers: RedisServer[] = [];
  for (let at = 0; at < masters; at++) servers.push(await startRedis(["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]));
  const places = servers.map(({ port }) => `127.0.0.1:${port}`);
  await run("redis-cli", ["--cluster", "create", ...places, "--cluster-replicas", "0", "--cluster-yes"]);
  const until = performance.now() + PATIENCE_MS;
  for (const { port } of servers) {
    while (!(await redisCli(port, ["cluster", "info"])).includes("cluster_state:ok")) {
      if (performance.now() > until) throw new Error("the cluster did not come up");
      await pause(50);
    }
  }
  return servers;
}

export interface SentinelSet {
  name: string;
  master: RedisServer;
  replica: RedisServer;
  sentinel: RedisServer;
  stop(): Promise<void>;
}

/** A master, its replica, and one Sentinel, which decides alone. */
export async function startSentinelSet(name: string): Promise<SentinelSet> {
  const master = await startRedis();
  const replica = await startRedis(["--replicaof", "127.0.0.1", String(master.port), "--repl-diskless-sync-delay", "0"]);
  const port = await freePort();
  const directory = mkdtempSync(join(tmpdir(), "weir-sentinel-"));
  const file = join(directory, "sentinel.conf");
  writeFileSync(
    file,
    [
      `port ${port}`,
      "bind 127.0.0.1",
      `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
      `sentinel down-after-milliseconds ${name} 500`,
      `sentinel failover-timeout ${name} 3000`,
      "",
    ].join("\n"),
  );
  const sentinel = new RedisServer(port, directory, [file, "--sentinel"]);
  await sentinel.start();
  const until = performance.now() + PATIENCE_MS;
  while (
    !/slave0:ip=.*state=online/.test(await redisCli(master.port, ["info", "replication"])) ||
    !/num-slaves\n1\n/.test(await redisCli(port, ["sentinel", "masters"]))
  ) {
    if (performance.now() > until) throw new Error("the replica did not come up");
    await pause(100);
  }
  const stop = async (): Promise<void> => {
    for (const server of [sentinel, replica, master]) await server.stop();
  };
  return { name, master, replica, sentinel, stop };
}

export function redisCli(port: number, args: string[]): Promise<string> {
  return run("redis-cli", ["-p", String(port), ...args]);
}

function serverArguments(port: number, args: string[]): string[] {
  return [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "no",
    "--rdbcompression",
    "no",
    "--daemonize",
    "no",
    ...args,
  ];
}

function run(command: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { timeout: PATIENCE_MS }, (error, stdout) => (error === null ? resolve(stdout) : reject(error)));
  });
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}

async function freePort(): Promise<number> {
  // Below 50000: a cluster node also listens on its port + 10000.
  for (;;) {
    const port = await new Promise<number>((resolve, reject) => {
      const probe = createServer();
      probe.once("error", reject);
      probe.listen(0, "127.0.0.1", () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
      });
    });
    if (port < 55_000) return port;
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let connected = false;
    socket.once("connect", () => {
      connected = true;
      // Long enough for a server that speaks TLS to see that this is not TLS, and to close.
      socket.write("PING\r\n".repeat(20));
    });
    // A server that wants a password answers too.
    socket.once("data", () => socket.destroy());
    socket.on("error", () => {});
    socket.once("close", () => resolve(connected));
  });
}
