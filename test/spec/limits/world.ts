/** What the sentences about limits share: workspaces with separate windows, the clouds' stand-ins, and a way to look into a window. */

import { expect } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { azureIn, bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventualAnswer, eventually } from "../../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir, type WeirOptions } from "../../support/weir.ts";
import { type Answered, Call } from "../client.ts";
import { anthropic, DIALECTS, openai, type Spoken } from "../dialects.ts";

const ADMIN_TOKEN = "limits-admin-token-41d0c2e7";
/** It keeps prompts, which the one above does not. */
const CACHING = "eu.anthropic.claude-haiku-4-5-20251001-v1:0";
/** Within it no test runs into a limit that it does not speak of. */
export const ROOMY = { rpm: 1_000, tpm: 40_000 };

export interface Question {
  model?: string;
  prompt?: string;
  stream?: boolean;
  more?: Record<string, unknown>;
  /** In place of the dialect's own in `eu`. */
  path?: string;
  headers?: Record<string, string>;
  body?: string;
  /** Milliseconds that the client waits in the middle of its body. */
  pauseMs?: number | undefined;
}

/** `limits` of a workspace, and of its models. */
export interface Place {
  limits?: object;
  models?: Record<string, object>;
}

export const keyOf = (workspace: string): string => `weir_limits_${workspace}_Xk4Tq9Zp2Wm7`;

/** A configuration in front of the sandbox: models `claude` and `gpt`, `claude-caching`, `…-hasty` with short clocks, `gpt-exact`, `gpt-limited` with limits of its own. */
export function configuration(
  sandbox: Sandbox,
  places: Record<string, Place>,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  const hasty = { first_byte: "300ms", silence: "300ms" };
  const at = (upstream: string, model: string) => ({ upstream, model });
  const claude = [at("bedrock-eu", HAIKU), at("bedrock-us", HAIKU)];
  const gpt = [at("azure-eu", "gpt-4o-eu"), at("azure-us", "gpt-4o-us")];
  return {
    admin: { token: ADMIN_TOKEN },
    workers: 2,
    limits: ROOMY,
    upstreams: {
      "bedrock-eu": bedrockIn("eu", sandbox),
      "bedrock-us": bedrockIn("us", sandbox),
      "azure-eu": azureIn("eu", sandbox),
      "azure-us": azureIn("us", sandbox),
    },
    models: {
      claude: { targets: claude },
      "claude-caching": { targets: [at("bedrock-eu", CACHING)] },
      "claude-hasty": { timeouts: hasty, targets: claude },
      gpt: { targets: gpt },
      "gpt-hasty": { timeouts: hasty, targets: gpt },
      "gpt-exact": { family: "o200k", estimate: "exact", targets: gpt },
      "gpt-exact-old": { family: "cl100k", estimate: "exact", targets: gpt },
      "gpt-limited": { limits: { rpm: 22, tpm: 22_000 }, targets: gpt },
    },
    workspaces: Object.fromEntries(
      Object.entries(places).map(([name, place]) => [name, { default_region: "eu", keys: [keyEntry("ci", keyOf(name))], ...place }]),
    ),
    ...more,
  };
}

/** A workspace's windows for one model. */
export interface Held {
  requests: number;
  tokens: number;
}

export class LimitsWorld {
  readonly runtime: RuntimeName;
  readonly places: Record<string, Place> = {};
  readonly #more: Record<string, unknown>;
  #sandbox: Sandbox | undefined;
  #weir: Weir | undefined;

  /** `more` goes into the configuration. */
  constructor(runtime: RuntimeName, more: Record<string, unknown> = {}) {
    this.runtime = runtime;
    this.#more = more;
  }

  get sandbox(): Sandbox {
    return present(this.#sandbox);
  }

  get weir(): Weir {
    return present(this.#weir);
  }

  /** A workspace for one sentence alone. To be called before the start. */
  workspace(name: string, place: Place = {}): string {
    this.places[name] = place;
    return name;
  }

  /** @param redisTimeout - As in the configuration; its own default where it is left out. */
  async start(options: Partial<WeirOptions> = {}, redisUrl?: string, redisTimeout?: string): Promise<void> {
    this.#sandbox = await startSandbox();
    const timeout = redisTimeout === undefined ? {} : { timeout: redisTimeout };
    const redis = redisUrl === undefined ? {} : { redis: { url: redisUrl, ...timeout } };
    const config = configuration(this.#sandbox, this.places, { ...this.#more, ...redis });
    this.#weir = await startWeir({ runtime: this.runtime, config, environment: { WEIR_CHAOS: "1" }, ...options });
  }

  async stop(): Promise<void> {
    await this.#weir?.collect();
    this.#weir?.child.kill("SIGKILL");
    await this.#sandbox?.close();
  }

  open(dialect: Spoken, workspace: string, { model, prompt = "Hello", stream, more, path, headers, body, pauseMs }: Question = {}): Call {
    const fields = { ...(model === undefined ? {} : { model }), ...(stream === undefined ? {} : { stream }), ...more };
    return new Call(Number(new URL(this.weir.url).port), {
      path: path ?? dialect.path,
      headers: { "content-type": "application/json", authorization: `Bearer ${keyOf(workspace)}`, ...headers },
      body: body ?? JSON.stringify(dialect.body(prompt, fields)),
      pauseMs,
    });
  }

  async ask(dialect: Spoken, workspace: string, question: Question = {}): Promise<Answered> {
    return await this.open(dialect, workspace, question).answered;
  }

  get(path: string, workspace: string): Promise<Answered> {
    return new Call(Number(new URL(this.weir.url).port), {
      method: "GET",
      path,
      headers: { authorization: `Bearer ${keyOf(workspace)}` },
    }).answered;
  }

  /**
   * What both windows hold now. Nothing is taken: the refusal of a request that can never pass says what is left.
   */
  async held(dialect: Spoken, workspace: string, model?: string): Promise<Held> {
    const question = { ...(model === undefined ? {} : { model }), prompt: TOO_LONG };
    // A worker that was made to die young is replaced after a second; until then there may be none.
    const answered = await eventualAnswer(
      () => this.ask(dialect, workspace, question),
      ({ status }) => status !== 503,
    );
    expect(answered.status).toBe(413);
    const of = (name: string) => Number(answered.headers.get(`x-ratelimit-${name}`));
    return { requests: of("limit-requests") - of("remaining-requests"), tokens: of("limit-tokens") - of("remaining-tokens") };
  }

  /** Settlement follows the last byte: looks until the windows hold this. @throws Error with what they hold instead */
  async holds(dialect: Spoken, workspace: string, expected: Held, model?: string): Promise<void> {
    await eventualAnswer(
      () => this.held(dialect, workspace, model),
      (held) => held.requests === expected.requests && held.tokens === expected.tokens,
    );
  }

  /** The access line of an answer. */
  logged(answered: Answered): Promise<Record<string, unknown>> {
    const id = answered.headers.get("request-id");
    return this.weir.logged((line) => line.message === "request" && line.request_id === id);
  }

  /** The last access line of a workspace whose call ended so. */
  loggedOutcome(workspace: string, outcome: string): Promise<Record<string, unknown>> {
    return this.weir.logged((line) => line.message === "request" && line.workspace === workspace && line.outcome === outcome);
  }

  /** Ends the worker that holds the one open call. */
  async crashWorker(): Promise<void> {
    // The busiest one is taken: what came before has to be over.
    await eventually(async () => (await this.metric("weir_worker_streams")) === 1, "one open call");
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    const { status } = await fetch(`${this.weir.adminUrl}/admin/v1/chaos/worker`, { method: "POST", headers });
    expect(status).toBeLessThan(300);
  }

  /** The sum of a metric's samples whose labels include these. */
  async metric(name: string, labels: Record<string, string> = {}): Promise<number> {
    return await metricOf(this.weir, name, labels);
  }
}

/** More tokens than any limit here. */
const TOO_LONG = "a1 ".repeat(30_000);

export async function metricOf(weir: Weir, name: string, labels: Record<string, string> = {}): Promise<number> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  return text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter((line) => Object.entries(labels).every(([label, value]) => line.includes(`${label}="${value}"`)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Tokens of an answer that is no stream, as the upstream counted them. */
export function usageOf(dialect: Spoken, answered: Answered): { input: number; output: number; cacheRead: number; cacheWrite: number } {
  const { usage } = JSON.parse(answered.text) as { usage: Record<string, number> };
  return dialect === anthropic
    ? {
        input: usage.input_tokens ?? 0,
        output: usage.output_tokens ?? 0,
        cacheRead: usage.cache_read_input_tokens ?? 0,
        cacheWrite: usage.cache_creation_input_tokens ?? 0,
      }
    : { input: usage.prompt_tokens ?? 0, output: usage.completion_tokens ?? 0, cacheRead: 0, cacheWrite: 0 };
}

/** The member that bounds an answer. */
export function answerLimit(dialect: Spoken, tokens: number): Record<string, unknown> {
  return { [dialect === anthropic ? "max_tokens" : "max_completion_tokens"]: tokens };
}

export { anthropic, DIALECTS, openai, type Spoken };

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the world has not been started");
  return value;
}
