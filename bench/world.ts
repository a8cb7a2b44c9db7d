/** What scenarios need around them: stand-ins with and without TLS, Redis, a folder. Each is started when it is first needed, and stopped at the end. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { haveRedis, startRedis } from "../test/support/redis.ts";
import { startProgram, stopPrograms } from "./processes.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import type { World } from "./variant.ts";

const haveOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** Why a scenario cannot be run on this machine; undefined where it can. */
export function missing({ limiter, tls }: Scenario): string | undefined {
  if (limiter === "redis" && !haveRedis) return "redis-server is not installed";
  if (tls && !haveOpenssl) return "openssl, which makes the certificate, is not installed";
  return undefined;
}

export class Surroundings {
  /** Removed at the end. */
  readonly folder = mkdtempSync(join(tmpdir(), "weir-bench-"));
  readonly #hurry: number;
  readonly #upstreams = new Map<boolean, Promise<string>>();
  #redis: ReturnType<typeof startRedis> | undefined;
  #certificate: string | undefined;

  /** @param hurry by how much paced streams are faster */
  constructor(hurry: number) {
    this.#hurry = hurry;
  }

  async world({ limiter, tls }: Pick<Scenario, "limiter" | "tls">): Promise<World> {
    const upstream = this.#upstreams.get(tls) ?? this.#startUpstream(tls);
    this.#upstreams.set(tls, upstream);
    if (limiter === "redis") this.#redis ??= startRedis();
    return {
      folder: this.folder,
      upstreamUrl: await upstream,
      certificate: tls ? this.#certificate : undefined,
      limiter,
      redisUrl: limiter === "redis" ? (await this.#redis)?.url : undefined,
    };
  }

  async close(): Promise<void> {
    await stopPrograms();
    await (await this.#redis)?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #startUpstream(tls: boolean): Promise<string> {
    const words = [process.execPath, join(import.meta.dir, "upstream.ts"), ...(tls ? this.#makeCertificate() : [])];
    const program = await startProgram(words, /"port":(\d+)/, { WEIR_BENCH_HURRY: String(this.#hurry) });
    return `${tls ? "https" : "http"}://127.0.0.1:${program.found[1]}`;
  }

  #makeCertificate(): string[] {
    const [certificate, key] = [join(this.folder, "certificate.pem"), join(this.folder, "key.pem")];
    // This must not be the certificate of an authority: rustls does not accept one as the certificate of a server.
    const extensions = "-addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE";
    const form = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 ${extensions}`;
    execFileSync("openssl", [...form.split(" "), "-keyout", key, "-out", certificate], { stdio: "ignore" });
    this.#certificate = certificate;
    return [certificate, key];
  }
}
