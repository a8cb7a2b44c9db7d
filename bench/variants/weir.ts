/** The gateway from this source, started as its users start it, as a separate program. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PACES } from "../answers.ts";
import { startProgram } from "../processes.ts";
import type { CallDialect, Variant, World } from "../variant.ts";

const KEY = "weir_bench_key";
/** The key of a workspace that may call once a minute. */
const REFUSED_KEY = "weir_bench_key_refused";
const UNLIMITED = 1_000_000_000;
const MOST_BODY = "32MiB";
const MOST_CALLS = 100_000;

export const PATHS: Record<CallDialect, string> = {
  openai: "/openai/eu/v1/chat/completions",
  anthropic: "/anthropic/eu/v1/messages",
};

const LIMITERS = {
  redis: (url: string | undefined) => ({ redis: { url, timeout: "1s" } }),
  memory: () => ({}),
  // Nothing listens at this address, and the policy then allows all calls, so the limiter is off.
  off: () => ({ redis: { url: "redis://127.0.0.1:1", on_failure: "open" } }),
};

/** The part of the configuration that sets the number of threads. */
type Threads = { workers?: number };

function configuration({ upstreamUrl, certificate, limiter, redisUrl }: World, threads: Threads): string {
  const credentials = { access_key_id: "AKIABENCH", secret_access_key: "bench" };
  const cloud = { region: "eu", endpoint: upstreamUrl, ...(certificate === undefined ? {} : { ca_file: certificate }) };
  const digest = (key: string) => createHash("sha256").update(key).digest("hex");
  const target = (model: string) =>
    model.startsWith("gpt") ? { upstream: "azure", model } : { upstream: "bedrock", model: `anthropic.${model}-v1:0` };
  return JSON.stringify({
    // One workspace makes all the calls, but a workspace may have at most half of `max_calls`.
    server: { host: "127.0.0.1", port: 0, max_body: MOST_BODY, max_calls: MOST_CALLS },
    admin: { port: 0 },
    limits: { rpm: UNLIMITED, tpm: UNLIMITED },
    ...threads,
    ...LIMITERS[limiter](redisUrl),
    upstreams: {
      bedrock: { provider: "bedrock", aws_region: "eu-central-1", credentials, ...cloud },
      azure: { provider: "azure", credentials: { api_key: "bench" }, ...cloud },
    },
    models: Object.fromEntries(Object.keys(PACES).map((model) => [model, { targets: [target(model)] }])),
    workspaces: {
      bench: { keys: [{ name: "bench", sha256: digest(KEY) }] },
      refused: { limits: { rpm: 1 }, keys: [{ name: "refused", sha256: digest(REFUSED_KEY) }] },
    },
  });
}

const weirWith = (name: string, threads: Threads): Variant => ({
  name,
  async start(world) {
    const file = join(world.folder, `${name}-${world.limiter}-${world.certificate === undefined ? "plain" : "tls"}.yaml`);
    writeFileSync(file, configuration(world, threads));
    const words = [process.execPath, join(import.meta.dir, "../../src/main.ts"), "--config", file];
    const program = await startProgram(words, /"port":(\d+),"admin_port":(\d+).*"listening"/);
    return {
      url: `http://127.0.0.1:${program.found[1]}`,
      address: ({ dialect }) => ({ path: PATHS[dialect], headers: { authorization: `Bearer ${KEY}` } }),
      refused: ({ dialect }) => ({ path: PATHS[dialect], headers: { authorization: `Bearer ${REFUSED_KEY}` } }),
      pids: () => [program.pid],
      metricsUrl: `http://127.0.0.1:${program.found[2]}/metrics`,
      stop: program.stop,
    };
  },
});

/** Weir with its default number of threads. */
export const weir = weirWith("weir", {});
/** Weir with all work in the thread that accepts connections. */
export const inline = weirWith("inline", { workers: 0 });
