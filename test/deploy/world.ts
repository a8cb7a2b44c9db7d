/** Two gateways under mixed traffic, the clouds' stand-ins and Redis: what dashboards show and alerts look at. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { anthropic, openai, type Spoken } from "../spec/dialects.ts";
import { makeIdentity } from "../support/identities.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { azureIn, bedrockIn, HAIKU } from "../support/upstreams.ts";
import { DEAD_PORT } from "../support/waits.ts";
import { keyEntry, startWeir, type Weir } from "../support/weir.ts";

const TOKEN = "deploy-admin-token-70c2b4e19d";
const WRONG_KEY = "deploy-wrong-azure-key-5a2e";
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const keyOf = (workspace: string): string => `weir_deploy_${workspace}_Gm3Xq8Rw5Ts1`;

/** A Bedrock API key that was made then and is good for twelve hours. */
function shortTermKey(madeMs: number): string {
  const made = new Date(madeMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const query = new URLSearchParams({ Action: "CallWithBearerToken", "X-Amz-Date": made, "X-Amz-Expires": "43200", Version: "1" });
  return `bedrock-api-key-${Buffer.from(`bedrock.amazonaws.com/?${query}`).toString("base64")}`;
}

export interface Question {
  dialect?: Spoken;
  workspace?: string;
  model?: string;
  prompt?: string;
  stream?: boolean;
}

export class ObservedWorld {
  readonly sandbox: Sandbox;
  readonly redis: RedisServer;
  /** One process. */
  readonly weir: Weir;
  /** Two processes and their supervisor. It speaks TLS, with a certificate that ends in three days. */
  readonly second: Weir;
  readonly #folder: string;
  readonly #config: Record<string, unknown>;
  readonly #loads: { stop(): void; ended: Promise<void> }[] = [];

  private constructor(parts: { sandbox: Sandbox; redis: RedisServer; weir: Weir; second: Weir; folder: string; config: object }) {
    this.sandbox = parts.sandbox;
    this.redis = parts.redis;
    this.weir = parts.weir;
    this.second = parts.second;
    this.#folder = parts.folder;
    this.#config = { ...parts.config };
  }

  static async start(): Promise<ObservedWorld> {
    const [sandbox, redis] = await Promise.all([startSandbox(), startRedis()]);
    const config = configuration(sandbox, redis);
    // A named folder, so that the configuration in it can be changed and the certificate outlives a gateway.
    const folder = mkdtempSync(join(tmpdir(), "weir-observed-"));
    const { cert, key } = makeIdentity("observed", { days: 3 });
    const tls = { cert_file: join(folder, "cert.pem"), key_file: join(folder, "key.pem") };
    writeFileSync(tls.cert_file, cert);
    writeFileSync(tls.key_file, key);
    const [weir, second] = await Promise.all([
      startWeir({ config, folder, environment: { WEIR_CHAOS: "1" } }),
      startWeir({ config: { ...config, processes: 2, server: { tls } } }),
    ]);
    return new ObservedWorld({ sandbox, redis, weir, second, folder, config });
  }

  get targets(): string[] {
    return [this.weir, this.second].map(({ adminUrl }) => new URL(adminUrl).host);
  }

  async stop(): Promise<void> {
    for (const load of this.#loads) load.stop();
    await Promise.all(this.#loads.map(({ ended }) => ended));
    await Promise.all([this.weir, this.second].map((weir) => weir.collect()));
    for (const weir of [this.weir, this.second]) await weir.stop("SIGKILL");
    await this.redis.stop();
    await this.sandbox.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  key(workspace: string): string {
    return keyOf(workspace);
  }

  addressOf(weir: Weir): string {
    return weir === this.second ? weir.url.replace("http:", "https:") : weir.url;
  }

  async ask(question: Question = {}, weir = this.weir): Promise<number> {
    const { dialect = openai, workspace = "acme", model = dialect === anthropic ? "claude" : "gpt", prompt = "", stream = true } = question;
    const answer = await fetch(this.addressOf(weir) + dialect.path, {
      method: "POST",
      tls: { rejectUnauthorized: false },
      headers: { "content-type": "application/json", authorization: `Bearer ${keyOf(workspace)}` },
      body: JSON.stringify(dialect.body(`[sandbox: tokens=5 pace=2] ${prompt}`, { model, stream, max_tokens: 50 })),
    });
    await answer.text();
    return answer.status;
  }

  /** Asks again and again, one question after the other, with a pause, until the world stops; some questions are meant to fail. */
  keepAsking(questions: Question | readonly Question[], pauseMs: number, weir = this.weir): { stop(): void } {
    const turns = Array.isArray(questions) ? questions : [questions];
    let running = true;
    const loop = async () => {
      for (let at = 0; running; at++) {
        const question = turns[at % turns.length];
        await this.ask(question, weir).catch(() => 0);
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      }
    };
    const stop = () => {
      running = false;
    };
    const load = { ended: loop(), stop };
    this.#loads.push(load);
    return load;
  }

  async crashWorker(): Promise<void> {
    const answer = await fetch(`${this.weir.adminUrl}/admin/v1/chaos/worker`, {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    if (!answer.ok) throw new Error(`the drill was refused: ${answer.status} ${await answer.text()}`);
  }

  spoilConfiguration(): void {
    this.weir.rewrite({ ...this.#config, models: { gpt: { targets: [{ upstream: "not-there", model: "gpt-4o" }] } } });
  }

  mendConfiguration(): void {
    this.weir.rewrite(this.#config);
  }
}

function configuration(sandbox: Sandbox, redis: RedisServer): Record<string, unknown> {
  const at = (upstream: string, model: string) => ({ upstream, model });
  return {
    admin: { token: TOKEN },
    workers: 1,
    redis: { url: redis.url, on_failure: "local", timeout: "200ms" },
    limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
    upstreams: {
      "bedrock-eu": bedrockIn("eu", sandbox),
      "azure-eu": azureIn("eu", sandbox),
      "azure-spare": azureIn("eu", sandbox),
      "azure-nowhere": azureIn("eu", sandbox, { endpoint: `http://127.0.0.1:${DEAD_PORT}` }),
      "azure-wrong": azureIn("eu", sandbox, { key: WRONG_KEY }),
      "bedrock-ending": { ...bedrockIn("eu", sandbox), credentials: { bearer_token: shortTermKey(Date.now() - 11 * HOUR_MS) } },
    },
    models: {
      claude: { targets: [at("bedrock-eu", HAIKU)] },
      gpt: {
        targets: [
          { ...at("azure-eu", "gpt-4o-first"), rank: 1 },
          { ...at("azure-spare", "gpt-4o-spare"), rank: 2 },
        ],
      },
      "gpt-alone": { targets: [at("azure-eu", "gpt-4o-alone")] },
      "gpt-down": { targets: [at("azure-nowhere", "gpt-4o")] },
      "gpt-wrong": { targets: [at("azure-wrong", "gpt-4o")] },
    },
    workspaces: {
      acme: { default_region: "eu", keys: [keyEntry("ci", keyOf("acme"))] },
      small: { default_region: "eu", limits: { rpm: 5 }, keys: [keyEntry("ci", keyOf("small"))] },
      narrow: { default_region: "eu", max_concurrent: 1, keys: [keyEntry("ci", keyOf("narrow"))] },
      leaving: {
        default_region: "eu",
        keys: [{ ...keyEntry("ci", keyOf("leaving")), expires_at: new Date(Date.now() + 3 * DAY_MS).toISOString() }],
      },
    },
  };
}
