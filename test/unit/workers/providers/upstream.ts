import { type Server, serve } from "bun";
import { NOTHING_ALONG } from "../../../../src/contract/call.ts";
import type { Upstream } from "../../../../src/contract/config.ts";
import { type AzureAccepts, azureTakes } from "../../../../src/providers/azure/takes.ts";
import { type BedrockAccepts, bedrockTakes } from "../../../../src/providers/bedrock/takes.ts";
import type { Job } from "../../../../workers/providers/provider.ts";
import type { HttpRequest } from "../../../../workers/wire/http.ts";

/** What a model of the catalogue takes, or one that is not in it. */
export function acceptsOf(provider: "bedrock", model?: string): BedrockAccepts;
export function acceptsOf(provider: "azure", model?: string): AzureAccepts;
export function acceptsOf(provider: "azure" | "bedrock", model?: string): AzureAccepts | BedrockAccepts {
  return provider === "azure" ? azureTakes(model, []) : bedrockTakes(model, []);
}

export function upstream<Settings extends object>(provider: string, settings: Settings): Upstream<Settings> {
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
    keeping: undefined,
    settings,
  };
}

export function job(fields?: Partial<Job<BedrockAccepts>>): Job<BedrockAccepts>;
export function job(fields: Partial<Job<AzureAccepts>> & Pick<Job<AzureAccepts>, "accepts">): Job<AzureAccepts>;
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
    owner: "acme",
    isLast: true,
    along: NOTHING_ALONG,
    dropped: "",
    goesOn: false,
    ...fields,
  };
}

/** A request for tests whose client sends nothing. */
export const REQUEST: HttpRequest = {
  origin: { tls: false, host: "h", port: 1, ca: undefined },
  method: "POST",
  path: "/",
  headers: [],
  body: "",
};

/** All headers of a request. */
export function headersSent({ headers, further = [] }: Pick<HttpRequest, "headers" | "further">): Record<string, string> {
  return headersOf([...headers, ...further]);
}

/** A list of name, value, name, value … as an object. */
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
