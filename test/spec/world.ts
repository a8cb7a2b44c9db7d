/** What the sentences share: a gateway in another process, with the sandbox's stand-ins and a recorder behind it. */

import { expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { register } from "../support/collected.ts";
import { azureIn, bedrockIn, HAIKU } from "../support/upstreams.ts";
import { DEAD_PORT } from "../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir, type WeirOptions } from "../support/weir.ts";
import { type Answered, type Asking, Call } from "./client.ts";
import type { Failure, Spoken } from "./dialects.ts";
import { type Recorder, startRecorder } from "./recorder.ts";

export const KEY = "weir_spec_acme_TsxZ1nQm6hVwYb3dRk8pLf";
/** Its workspace is at home in `us`. */
export const US_KEY = "weir_spec_overseas_Pq2sVn5tXw8zCe";
/** Its workspace has no default region. */
export const HOMELESS_KEY = "weir_spec_homeless_Kd7fGh1jLm4nBv";
export const EXPIRED_KEY = "weir_spec_expired_Ru3yTe6wQi9oPa";
export const ADMIN_TOKEN = "spec-admin-token-9c41f7be52";
/** A part of every prompt, and of nothing else: it must never be seen in what Weir writes. */
export const MARKER = "prompt-marker-51c9e7";

const WRONG_SECRET = "spec-wrong-secret-0b4dd2aa61";

export const MAX_BODY = 6 * 1024 * 1024;
const HASTY = { first_byte: "300ms", silence: "300ms" };
const FREE = { rpm: 1_000_000, tpm: 1_000_000_000 };

export interface Question {
  prompt?: string;
  stream?: boolean;
  more?: Record<string, unknown>;
  /** In place of the dialect's own in `eu`. */
  path?: string;
  headers?: Record<string, string>;
  /** In place of `KEY`; null sends none. */
  key?: string | null;
  /** In place of the dialect's own. */
  body?: string;
  isApart?: boolean;
}

interface ExpectedLine {
  answered: Answered;
  expected: Record<string, unknown>;
}

export class World {
  readonly runtime: RuntimeName;
  /** Threads of each gateway. */
  readonly workers: number;
  readonly #secrets = [KEY, US_KEY, HOMELESS_KEY, EXPIRED_KEY, ADMIN_TOKEN, WRONG_SECRET, MARKER];
  #weir: Weir | undefined;
  #sandbox: Sandbox | undefined;
  #recorder: Recorder | undefined;
  #others: Weir[] = [];
  #expectedLines: ExpectedLine[] = [];

  constructor(runtime: RuntimeName, workers = 2) {
    this.runtime = runtime;
    this.workers = workers;
  }

  get weir(): Weir {
    return present(this.#weir);
  }

  get sandbox(): Sandbox {
    return present(this.#sandbox);
  }

  get recorder(): Recorder {
    return present(this.#recorder);
  }

  /** What must not be in the gateway's output. */
  get secrets(): readonly string[] {
    const { credentials } = this.sandbox;
    return [...this.#secrets, ...credentials.aws.map(({ secretAccessKey }) => secretAccessKey), ...credentials.apiKeys];
  }

  async start(): Promise<void> {
    register("a prompt", MARKER);
    this.#sandbox = await startSandbox({ remember: 2_000 });
    this.#recorder = await startRecorder();
    this.#weir = await this.another({ environment: {} }, false);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#others, this.#weir].map((weir) => weir?.collect()));
    for (const weir of [...this.#others, this.#weir]) weir?.child.kill("SIGKILL");
    this.#recorder?.close();
    await this.#sandbox?.close();
  }

  /** Another gateway, for a sentence that ends or breaks it. */
  async another(options: WeirOptions & { server?: object } = {}, counted = true): Promise<Weir> {
    const { server, ...others } = options;
    const weir = await startWeir({ runtime: this.runtime, config: this.configuration(server), ...others });
    if (counted) this.#others.push(weir);
    return weir;
  }

  /** One sentence of the specification. */
  sentence(name: string, body: () => void | Promise<void>, timeoutMs = 10_000): void {
    test(name, body, timeoutMs);
  }

  call(asking: Asking, weir: Weir = this.weir): Call {
    return new Call(Number(new URL(weir.url).port), asking);
  }

  /** Asks for an answer to a prompt, as a client of this dialect does. */
  open(dialect: Spoken, question: Question = {}, weir: Weir = this.weir): Call {
    const { prompt = "Hello", stream, more, path = dialect.path, headers = {}, key = KEY, body, isApart = false } = question;
    const fields = { ...(stream === undefined ? {} : { stream }), ...more };
    return this.call(
      {
        path,
        headers: { "content-type": "application/json", ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...headers },
        isApart,
        body: body ?? JSON.stringify(dialect.body(`${MARKER} ${prompt}`, fields)),
      },
      weir,
    );
  }

  async ask(dialect: Spoken, question: Question = {}, weir: Weir = this.weir): Promise<Answered> {
    return await this.open(dialect, question, weir).answered;
  }

  async get(path: string, key: string | null = KEY): Promise<Answered> {
    return await this.call({ method: "GET", path, headers: key === null ? {} : { authorization: `Bearer ${key}` } }).answered;
  }

  /** Says what the access line of an answer must hold; looked at in the end, all at once, since the log is written a few times a second. */
  expectLine(answered: Answered, expected: Record<string, unknown>): void {
    this.#expectedLines.push({ answered, expected });
  }

  get expectedLines(): readonly ExpectedLine[] {
    return this.#expectedLines;
  }

  /** The access line of an answer. */
  logged(answered: Answered, weir: Weir = this.weir): Promise<Record<string, unknown>> {
    const id = answered.headers.get("request-id");
    return weir.logged((line) => line.message === "request" && line.request_id === id);
  }

  configuration(server: object = {}): Record<string, unknown> {
    const { sandbox } = this;
    const recorded = { endpoint: this.recorder.url };
    const nowhere = { endpoint: `http://127.0.0.1:${DEAD_PORT}` };
    const at = (upstream: string, model: string) => ({ upstream, model });
    return {
      server: { max_body: MAX_BODY, drain_timeout: "2s", ...server },
      admin: { token: ADMIN_TOKEN },
      workers: this.workers,
      limits: FREE,
      upstreams: {
        "bedrock-eu": bedrockIn("eu", sandbox),
        "bedrock-us": bedrockIn("us", sandbox),
        "bedrock-recorder": bedrockIn("eu", sandbox, recorded),
        "bedrock-wrong": bedrockIn("eu", sandbox, { secret: WRONG_SECRET }),
        "bedrock-nowhere": bedrockIn("eu", sandbox, nowhere),
        "azure-eu": azureIn("eu", sandbox),
        "azure-us": azureIn("us", sandbox),
        "azure-recorder": azureIn("eu", sandbox, recorded),
        "azure-wrong": azureIn("eu", sandbox, { key: WRONG_SECRET }),
        "azure-nowhere": azureIn("eu", sandbox, nowhere),
        "azure-dated": { ...azureIn("eu", sandbox), api: "2024-10-21" },
        "azure-storing": { ...azureIn("eu", sandbox, recorded), allow_store: true },
      },
      models: {
        claude: { targets: [at("bedrock-eu", HAIKU), at("bedrock-us", HAIKU)] },
        "claude-us": { targets: [at("bedrock-us", HAIKU)] },
        "claude-recorded": { targets: [at("bedrock-recorder", HAIKU)] },
        "claude-newer-recorded": { targets: [at("bedrock-recorder", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")] },
        "claude-misconfigured": { targets: [at("bedrock-wrong", HAIKU)] },
        "claude-unreachable": { targets: [at("bedrock-nowhere", HAIKU)] },
        "claude-hasty": { timeouts: HASTY, targets: [at("bedrock-eu", HAIKU)] },
        "claude-by-profile": { targets: [at("bedrock-eu", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0")] },
        "claude-counted-elsewhere": {
          targets: [{ ...at("bedrock-eu", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"), count_model: HAIKU }],
        },
        gpt: { targets: [at("azure-eu", "gpt-4o-eu"), at("azure-us", "gpt-4o-us")] },
        "gpt-us": { targets: [at("azure-us", "gpt-4o-us")] },
        "gpt-recorded": { targets: [at("azure-recorder", "gpt-4o-recorded")] },
        "gpt-misconfigured": { targets: [at("azure-wrong", "gpt-4o-eu")] },
        "gpt-unreachable": { targets: [at("azure-nowhere", "gpt-4o-eu")] },
        "gpt-dated": { targets: [at("azure-dated", "gpt-4o-eu")] },
        "gpt-storing": { targets: [at("azure-storing", "gpt-4o-eu")] },
        embedding: { family: "cl100k", targets: [at("azure-eu", "text-embedding-3-small")] },
        "embedding-dated": { family: "cl100k", targets: [at("azure-dated", "text-embedding-3-small")] },
        "embedding-limited": { family: "cl100k", limits: { rpm: 10, tpm: 100 }, targets: [at("azure-eu", "text-embedding-3-small")] },
        "gpt-hasty": { timeouts: HASTY, targets: [at("azure-eu", "gpt-4o-eu")] },
      },
      workspaces: {
        acme: { default_region: "eu", keys: [keyEntry("ci", KEY), { ...keyEntry("old", EXPIRED_KEY), expires_at: "2020-01-01" }] },
        overseas: { default_region: "us", keys: [{ ...keyEntry("ci", US_KEY), expires_at: "2099-01-01" }] },
        homeless: { keys: [keyEntry("ci", HOMELESS_KEY)] },
      },
    };
  }
}

/** An answer must be this failure, in the dialect, with an id; returns the error. */
export function expectFailure(dialect: Spoken, answered: Answered, failure: Failure) {
  const { type, status, code } = dialect.errors[failure];
  const error = dialect.error(answered.text);
  expect({ status: answered.status, type: error.type, ...(code === undefined ? {} : { code: error.code }) }).toEqual({
    status,
    type,
    ...(code === undefined ? {} : { code }),
  });
  expect(answered.headers.get("content-type")).toBe("application/json");
  expectIds(answered);
  return error;
}

export function expectIds(answered: Answered): void {
  const id = answered.headers.get("request-id");
  expect(id).toMatch(/^req_\S{10,}$/);
  expect(answered.headers.get("x-request-id")).toBe(id ?? "");
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the world has not been started");
  return value;
}
