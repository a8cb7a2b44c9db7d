/** A gateway in another process, in front of stand-ins that refuse what the clouds refuse: every model of the catalogue, and names that say nothing of the model. */

import { test } from "bun:test";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { knownModels } from "../../../src/catalogue.ts";
import { readCatalogue } from "../../../src/config/catalogue.ts";
import type { CallRecord } from "../../../src/sandbox/calls.ts";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { azureIn, bedrockIn } from "../../support/upstreams.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { type Recorder, startRecorder } from "../recorder.ts";

export const KEY = "weir_fidelity_acme_Wq8nXk3rTz6vBy";
/** The key of a second workspace. */
export const RIVAL_KEY = "weir_fidelity_rival_Jd6mTn2wPq9sXc";
export const ADMIN_TOKEN = "fidelity-admin-token-5be20c94a7";
const ARN = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/";

/** The providers that this world has upstreams of. */
const PROVIDERS = ["bedrock", "azure"];

const catalogue = readCatalogue(knownModels);

/** Names of the catalogue's own models. */
export const modelsOf = (provider: string): string[] =>
  [...catalogue.entries.values()].filter((entry) => entry.provider === provider && entry.aliasOf === undefined).map(({ name }) => name);

export type Json = Record<string, unknown>;

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  json: Json;
  /** Names of what was left out. */
  dropped: string[];
}

export class FidelityWorld {
  readonly runtime: RuntimeName;
  readonly adminToken = ADMIN_TOKEN;
  readonly #failing = createServer(fail);
  #weir: Weir | undefined;
  #sandbox: Sandbox | undefined;
  #other: Sandbox | undefined;
  #recorder: Recorder | undefined;
  #asked = 0;

  constructor(runtime: RuntimeName) {
    this.runtime = runtime;
  }

  get weir(): Weir {
    return present(this.#weir);
  }

  get sandbox(): Sandbox {
    return present(this.#sandbox);
  }

  /** A second account and resource, whose seals and stored answers are its own. */
  get other(): Sandbox {
    return present(this.#other);
  }

  get recorder(): Recorder {
    return present(this.#recorder);
  }

  async start(): Promise<void> {
    const behind = {
      opus48: "eu.anthropic.claude-opus-4-8",
      opus45: "eu.anthropic.claude-opus-4-5-20251101-v1:0",
      haiku45: "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
      "prod-7": "gpt-5-mini",
      "prod-8": "gpt-5-mini",
      "prod-9": "gpt-5.2-codex",
      "old-4": "gpt-4o",
    };
    this.#sandbox = await startSandbox({ remember: 5_000, behind });
    this.#other = await startSandbox({ remember: 5_000, behind, idsFrom: 1_000_000_000 });
    this.#recorder = await startRecorder();
    await new Promise<void>((resolve) => this.#failing.listen(0, "127.0.0.1", resolve));
    this.#weir = await startWeir({ runtime: this.runtime, config: this.configuration() });
  }

  async stop(): Promise<void> {
    await this.#weir?.collect();
    this.#weir?.child.kill("SIGKILL");
    this.#recorder?.close();
    this.#failing.close();
    this.#failing.closeAllConnections();
    await this.#sandbox?.close();
    await this.#other?.close();
  }

  sentence(name: string, body: () => void | Promise<void>, timeoutMs = 10_000): void {
    test(name, body, timeoutMs);
  }

  async messages(body: Json, headers: Record<string, string> = {}, path = "/anthropic/eu/v1/messages"): Promise<Answer> {
    return await this.post(path, { max_tokens: 1_000, messages: [{ role: "user", content: "Hello" }], ...body }, headers);
  }

  async chat(body: Json, headers: Record<string, string> = {}): Promise<Answer> {
    return await this.post("/openai/eu/v1/chat/completions", { messages: [{ role: "user", content: "Hello" }], ...body }, headers);
  }

  async responses(body: Json, headers: Record<string, string> = {}): Promise<Answer> {
    return await this.post("/openai/eu/v1/responses", body, headers);
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return await this.ask(path, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });
  }

  async ask(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Answer> {
    const answer = await fetch(`${this.weir.url}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json", ...init.headers },
    });
    const text = await answer.text();
    const dropped = (answer.headers.get("x-weir-dropped") ?? "").split(", ").filter((name) => name !== "");
    return { status: answer.status, headers: answer.headers, text, json: parsed(text), dropped };
  }

  /** A text that no other request has, so that its calls can be found. */
  mark(): string {
    this.#asked += 1;
    return `mark-${this.#asked}-of-${this.runtime}`;
  }

  /** What the stand-ins were asked with this mark in the body, in order. */
  callsWith(mark: string): (CallRecord & { body: Json })[] {
    return [...this.sandbox.calls.recent, ...this.other.calls.recent].filter((call) => JSON.stringify(call.body)?.includes(mark)) as never;
  }

  configuration(): Json {
    const { sandbox, other, recorder } = this;
    const keptAt = (place: Sandbox) => ({ ...azureIn("eu", place), allow_store: true });
    const failingAt = `http://127.0.0.1:${(this.#failing.address() as AddressInfo).port}`;
    const at = (upstream: string, model: string) => ({ upstream, model });
    const models: Record<string, object> = {};
    for (const { name, provider, aliasOf, regions } of catalogue.entries.values()) {
      if (aliasOf !== undefined || !PROVIDERS.includes(provider)) continue;
      const id = regions === undefined ? name : (regions.eu ?? regions.us?.replace(/^us\./, "eu.") ?? name);
      models[name] = { targets: [at(provider, id)] };
      // The same once more, for bytes: its answers are always the same ones.
      models[`recorded-${name}`] = { accepts: { as: name }, targets: [at(`${provider}-recorded`, id)] };
    }
    const sonnet = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0";
    Object.assign(models, {
      "by-arn": { accepts: { as: "claude-opus-4-8" }, targets: [at("bedrock", `${ARN}opus48`)] },
      "by-old-arn": { accepts: { as: "claude-haiku-4-5" }, targets: [at("bedrock", `${ARN}haiku45`)] },
      widened: {
        accepts: { as: "claude-haiku-4-5", betas: { add: ["files-api-2025-04-14"] }, fields: { add: ["cache_control.scope"] } },
        targets: [at("bedrock-recorded", `${ARN}haiku45`)],
      },
      narrowed: {
        accepts: {
          as: "claude-opus-4-8",
          betas: { remove: ["context-management-2025-06-27"] },
          fields: { remove: ["output_config.effort", "metadata"] },
        },
        targets: [at("bedrock-recorded", `${ARN}opus48`)],
      },
      "unknown-claude": { targets: [at("bedrock", `${ARN}opus45`)] },
      "two-accounts": {
        targets: [
          { ...at("bedrock", sonnet), rank: 0 },
          { ...at("bedrock-other", sonnet), rank: 0 },
        ],
      },
      "assistant-prod": { targets: [at("azure", "prod-7")] },
      "assistant-known": { accepts: { as: "gpt-5-mini" }, targets: [at("azure", "prod-8")] },
      "coder-prod": { targets: [at("azure", "prod-9")] },
      ...Object.fromEntries(
        ["kept", "kept-alias", "kept-background", "kept-left", "kept-cancelled", "kept-deleted"].map((name) => [
          name,
          { accepts: { as: "gpt-5-mini" }, targets: [at("azure-kept", "gpt-5-mini")] },
        ]),
      ),
      "kept-counted": { limits: { count_rpm: 3 }, accepts: { as: "gpt-4o" }, targets: [at("azure-kept", "gpt-4o")] },
      "kept-two": {
        accepts: { as: "gpt-4o" },
        targets: [
          { ...at("azure-kept", "gpt-4o"), rank: 0 },
          { ...at("azure-kept-other", "gpt-4o"), rank: 0 },
        ],
      },
      "not-kept": { targets: [at("azure-us", "gpt-4o")] },
      failing: { accepts: { as: "gpt-4o" }, targets: [at("azure-failing", "gpt-4o")] },
      "three-to-one": {
        accepts: { as: "gpt-4o" },
        estimate: "exact",
        targets: [
          { ...at("azure", "gpt-4o"), rank: 0, weight: 3 },
          { ...at("azure-other", "gpt-4o"), rank: 0, weight: 1 },
        ],
      },
      "gpt-two-resources": {
        accepts: { as: "gpt-5-mini" },
        targets: [
          { ...at("azure", "gpt-5-mini"), rank: 0 },
          { ...at("azure-other", "gpt-5-mini"), rank: 0 },
        ],
      },
    });
    return {
      workers: 2,
      admin: { token: ADMIN_TOKEN },
      limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
      upstreams: {
        bedrock: bedrockIn("eu", sandbox),
        "bedrock-other": bedrockIn("eu", other),
        "bedrock-recorded": bedrockIn("eu", sandbox, { endpoint: recorder.url }),
        azure: azureIn("eu", sandbox),
        "azure-other": azureIn("eu", other),
        "azure-recorded": azureIn("eu", sandbox, { endpoint: recorder.url }),
        "azure-kept": keptAt(sandbox),
        "azure-kept-other": keptAt(other),
        "azure-us": { ...azureIn("eu", sandbox), region: "us" },
        "azure-failing": azureIn("eu", sandbox, { endpoint: failingAt }),
      },
      models,
      workspaces: {
        acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] },
        rival: { default_region: "eu", keys: [keyEntry("ci", RIVAL_KEY)] },
      },
    };
  }
}

/** Answers as Azure does where the model fails: a 200, whole or a stream, whose reason comes after the end. */
function fail(request: IncomingMessage, response: ServerResponse): void {
  let body = "";
  request.on("data", (bytes) => {
    body += bytes;
  });
  request.on("end", () => {
    const shown = { id: "resp_failing", object: "response", status: "failed", output: [], usage: null };
    const reason = { code: "rate_limit_exceeded", message: "Rate limit reached. Please try again in 2s." };
    if (!body.includes('"stream":true')) {
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...shown, error: reason }));
      return;
    }
    const events = [
      { type: "response.created", response: { ...shown, status: "in_progress" } },
      { type: "response.failed", response: { ...shown, error: null } },
      { type: "error", ...reason, param: null },
    ];
    const text = events.map((event, index) => `event: ${event.type}\ndata: ${JSON.stringify({ ...event, sequence_number: index })}\n\n`);
    response.writeHead(200, { "content-type": "text/event-stream" }).end(text.join(""));
  });
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the world has not been started");
  return value;
}
