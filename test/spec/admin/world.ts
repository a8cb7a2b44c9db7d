/** What the sentences about administration share: a gateway over the sandbox, a workspace of the file, and questions to both of its listeners. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { keyEntry, type RuntimeName, runToEnd, startWeir, type Weir } from "../../support/weir.ts";

export const TOKEN = "admin-spec-token-5f1c77aa9e02";
/** A key of the workspace `acme`, in the file. */
export const FILE_KEY = "weir_admin_spec_of_the_file_Tq8Wn3";
export const MODEL = "claude";

export interface Answered {
  status: number;
  headers: Headers;
  text: string;
  json: ReturnType<typeof JSON.parse>;
}

export class AdminWorld {
  readonly runtime: RuntimeName;
  readonly folder = mkdtempSync(join(tmpdir(), "weir-admin-"));
  #sandbox: Sandbox | undefined;
  #weir: Weir | undefined;

  constructor(runtime: RuntimeName) {
    this.runtime = runtime;
  }

  get weir(): Weir {
    if (this.#weir === undefined) throw new Error("not started");
    return this.#weir;
  }

  get configFile(): string {
    return join(this.folder, "weir.yaml");
  }

  /** @param redis - URL of the store; without one, a file. */
  async start(redis?: string): Promise<void> {
    this.#sandbox = await startSandbox();
    const config = {
      server: { host: "127.0.0.1", port: 0, drain_grace: "0s" },
      admin: { port: 0, token: TOKEN },
      workers: 1,
      limits: { rpm: 1000, tpm: 1_000_000 },
      ...(redis === undefined ? {} : { redis: { url: redis, timeout: "1s" } }),
      upstreams: { b: bedrockIn("eu", this.#sandbox) },
      models: { [MODEL]: { targets: [{ upstream: "b", model: HAIKU }] } },
      workspaces: { acme: { default_region: "eu", limits: { rpm: 777 }, keys: [keyEntry("of-the-file", FILE_KEY)] } },
    };
    writeFileSync(this.configFile, JSON.stringify(config));
    this.#weir = await this.another();
  }

  /** One more gateway of the same configuration. */
  async another(): Promise<Weir> {
    return await startWeir({ runtime: this.runtime, arguments: ["--config", this.configFile] });
  }

  async restart(): Promise<void> {
    await this.weir.stop();
    this.#weir = await this.another();
  }

  async stop(): Promise<void> {
    this.#weir?.child.kill("SIGKILL");
    await this.#sandbox?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Asks the admin listener; `token` null sends none. */
  async admin(method: string, path: string, body?: unknown, token: string | null = TOKEN, weir = this.weir): Promise<Answered> {
    const answer = await fetch(`${weir.adminUrl}${path}`, {
      method,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, json: parsed(text) };
  }

  async newKey(workspace = "acme", name = "made", more: object = {}): Promise<{ id: string; key: string }> {
    const { status, json, text } = await this.admin("POST", `/admin/v1/workspaces/${workspace}/keys`, { name, ...more });
    if (status !== 201) throw new Error(text);
    return json;
  }

  /** The status of a small call with this key. */
  async call(key: string, weir = this.weir, prompt = "Hello"): Promise<number> {
    const body = JSON.stringify({ model: MODEL, max_tokens: 20, messages: [{ role: "user", content: prompt }] });
    const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
    await answer.text();
    return answer.status;
  }

  /** Runs a command to its end. */
  command(words: string[], environment: Record<string, string> = {}) {
    return runToEnd(this.runtime, { arguments: words, environment });
  }
}

function parsed(text: string): ReturnType<typeof JSON.parse> {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
