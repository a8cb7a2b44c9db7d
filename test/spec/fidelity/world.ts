/** A gateway in a process of its own before stand-ins that refuse what the clouds refuse: every model of the catalogue, and names that tell nothing. */
import { test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCatalogue } from "../../../src/config/catalogue.ts";
import type { CallRecord } from "../../../src/sandbox/calls.ts";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { type Recorder, startRecorder } from "../recorder.ts";

export const KEY = "weir_fidelity_acme_Wq8nXk3rTz6vBy";
const ARN = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/";

const catalogue = readCatalogue(readFileSync(join(import.meta.dir, "../../../src/catalogue.yaml"), "utf8"));

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
    this.#other = await startSandbox({ remember: 5_000, behind });
    this.#recorder = await startRecorder();
    this.#weir = await startWeir({ runtime: this.runtime, config: this.configuration() });
  }

  async stop(): Promise<void> {
    await this.#weir?.collect();
    this.#weir?.child.kill("SIGKILL");
    this.#recorder?.close();
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
    const bedrockAt = ({ bedrock, credentials }: Sandbox, url = bedrock.url) => {
      const { accessKeyId, secretAccessKey } = credentials.aws[0] ?? { accessKeyId: "", secretAccessKey: "" };
      const keys = { access_key_id: accessKeyId, secret_access_key: secretAccessKey };
      return { provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint: url, credentials: keys };
    };
    const azureAt = ({ azure, credentials }: Sandbox, url = azure.url) => ({
      provider: "azure",
      region: "eu",
      endpoint: url,
      credentials: { api_key: credentials.apiKeys[0] },
    });
    const at = (upstream: string, model: string) => ({ upstream, model });
    const models: Record<string, object> = {};
    for (const { name, provider, aliasOf, regions } of catalogue.entries.values()) {
      if (aliasOf !== undefined) continue;
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
      limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
      upstreams: {
        bedrock: bedrockAt(sandbox),
        "bedrock-other": bedrockAt(other),
        "bedrock-recorded": bedrockAt(sandbox, recorder.url),
        azure: azureAt(sandbox),
        "azure-other": azureAt(other),
        "azure-recorded": azureAt(sandbox, recorder.url),
      },
      models,
      workspaces: {
        acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] },
      },
    };
  }
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
