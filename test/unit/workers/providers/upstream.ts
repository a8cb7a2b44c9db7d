import { type Server, serve } from "bun";
import type { Accepts } from "../../../../src/contract/accepts.ts";
import { NOTHING_ALONG } from "../../../../src/contract/call.ts";
import type { Upstream } from "../../../../src/contract/config.ts";
import { providers } from "../../../../src/providers/index.ts";
import type { Job } from "../../../../workers/providers/provider.ts";

/** What a model of the catalogue takes, or one that is not in it. */
export function acceptsOf(provider: string, model?: string): Accepts {
  return providers.get(provider)?.accepts(model, [], {}) ?? {};
}

export function upstream(provider: string, settings: Record<string, unknown>): Upstream {
  const timeouts = { connectMs: 1_000, firstByteMs: 1_000, silenceMs: 1_000, totalMs: 1_000 };
  const dialect = provider === "bedrock" ? "anthropic" : "openai";
  return {
    name: `${provider}-eu`,
    provider,
    dialect,
    telemetryName: provider,
    region: "eu",
    timeouts,
    maxCalls: undefined,
    ca: undefined,
    reserved: [],
    accepts: undefined,
    settings,
  };
}

export function job(fields: Partial<Job> = {}): Job {
  const body = '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"x"}]}';
  return {
    operation: "generate",
    countModel: undefined,
    accepts: acceptsOf("bedrock"),
    body,
    hints: "2023-06-01\n",
    stream: false,
    model: "m",
    upstreamModel: "up",
    isLast: true,
    along: NOTHING_ALONG,
    dropped: "",
    ...fields,
  };
}

/** Name, value, name, value … as an object. */
export function headersOf(flat: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = 0; at < flat.length; at += 2) headers[flat[at] ?? ""] = flat[at + 1] ?? "";
  return headers;
}

/** A server on loopback for the length of one test. */
export async function serving<T>(answer: (request: Request) => Response | Promise<Response>, use: (url: string) => Promise<T>): Promise<T> {
  const server: Server<undefined> = serve({ hostname: "127.0.0.1", port: 0, fetch: answer });
  try {
    return await use(`http://127.0.0.1:${server.port}`);
  } finally {
    await server.stop(true);
  }
}
