/** Workspaces that bring their own upstreams. Each upstream is another recorder, which shows from outside who was sent what. */
import type { Buffer } from "node:buffer";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DEAD_PORT } from "../support/waits.ts";
import { keyEntry, startWeir, type Weir } from "../support/weir.ts";
import { type Answered, Call } from "./client.ts";
import type { Spoken } from "./dialects.ts";
import { type Recorder, startRecorder } from "./recorder.ts";
import { MARKER, type World } from "./world.ts";

/** `red` and `blue` bring upstreams of the same names; `plain` brings nothing. */
const OWNERS = ["shared", "red", "blue"] as const;
type Owner = (typeof OWNERS)[number];

export interface Wallet {
  accessKeyId: string;
  secretAccessKey: string;
  apiKey: string;
}

export const WALLETS: Record<Owner | "refused", Wallet> = {
  shared: { accessKeyId: "AKIASHARED0000000001", secretAccessKey: "shared-aws-secret-5f0be1c9d2", apiKey: "shared-azure-key-a7c21e90bd" },
  red: { accessKeyId: "AKIAREDRED0000000002", secretAccessKey: "red-aws-secret-81d4ee07fa", apiKey: "red-azure-key-66b0c8d1f3" },
  blue: { accessKeyId: "AKIABLUE000000000003", secretAccessKey: "blue-aws-secret-c93a5528e7", apiKey: "blue-azure-key-1e9d77f2a0" },
  refused: { accessKeyId: "AKIAREFUSED000000004", secretAccessKey: "refused-aws-secret-2a6cd04b", apiKey: "refused-azure-key-f57c3b18" },
};

const WORKSPACES = ["plain", "red", "blue", "refused", "echoed", "stranded"] as const;
export type WorkspaceName = (typeof WORKSPACES)[number];

const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";

export const byokKey = (workspace: string) => `weir_byok_${workspace}_Ht5Yc2Wn8Lq4`;

/** Answers with the headers that it was sent, in the error format of each cloud; the name of the deployment or model has the status. */
async function startEcho(): Promise<{ url: string; close(): void }> {
  const server = createServer((request, response) => {
    let asked = request.url ?? "";
    request.on("data", (bytes: Buffer) => {
      asked += bytes.toString("latin1");
    });
    request.on("end", () => {
      const status = Number(/status-(\d+)/.exec(asked)?.[1]);
      const message = `refused: ${JSON.stringify(request.headers)}`;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ message, error: { message, code: String(status), type: "invalid" } }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => void server.close() };
}

export class ByokWorld {
  readonly #world: World;
  readonly #recorders = new Map<Owner, Recorder>();
  #echo: { url: string; close(): void } | undefined;
  #weir: Weir | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  async start(): Promise<void> {
    for (const owner of OWNERS) this.#recorders.set(owner, await startRecorder());
    this.#echo = await startEcho();
    this.#weir = await startWeir({ runtime: this.#world.runtime, config: this.configuration() });
  }

  async stop(): Promise<void> {
    await this.#weir?.collect();
    this.#weir?.child.kill("SIGKILL");
    for (const recorder of this.#recorders.values()) recorder.close();
    this.#echo?.close();
  }

  get weir(): Weir {
    if (this.#weir === undefined) throw new Error("the world has not been started");
    return this.#weir;
  }

  recorder(owner: Owner): Recorder {
    const recorder = this.#recorders.get(owner);
    if (recorder === undefined) throw new Error("the world has not been started");
    return recorder;
  }

  /** How many requests each upstream has had. */
  counts(): Record<Owner, number> {
    const count = (owner: Owner) => this.recorder(owner).all().length;
    return { shared: count("shared"), red: count("red"), blue: count("blue") };
  }

  ask(dialect: Spoken, workspace: WorkspaceName, { model, stream }: { model?: string; stream?: boolean } = {}): Promise<Answered> {
    const fields = { ...(model === undefined ? {} : { model }), ...(stream === undefined ? {} : { stream }) };
    return new Call(this.#port, {
      path: dialect.path,
      headers: { "content-type": "application/json", authorization: `Bearer ${byokKey(workspace)}` },
      body: JSON.stringify(dialect.body(`${MARKER} whose is this?`, fields)),
    }).answered;
  }

  get(path: string, workspace: WorkspaceName): Promise<Answered> {
    return new Call(this.#port, { method: "GET", path, headers: { "x-api-key": byokKey(workspace) } }).answered;
  }

  logged(answered: Answered): Promise<Record<string, unknown>> {
    const id = answered.headers.get("request-id");
    return this.weir.logged((line) => line.message === "request" && line.request_id === id);
  }

  get #port(): number {
    return Number(new URL(this.weir.url).port);
  }

  configuration(): Record<string, unknown> {
    const { sandbox } = this.#world;
    const at = (upstream: string, model: string) => ({ targets: [{ upstream, model }] });
    const bedrock = (endpoint: string, { accessKeyId, secretAccessKey }: Wallet) => ({
      provider: "bedrock",
      region: "eu",
      aws_region: "eu-central-1",
      endpoint,
      credentials: { access_key_id: accessKeyId, secret_access_key: secretAccessKey },
    });
    const azure = (endpoint: string, { apiKey }: Wallet) => ({
      provider: "azure",
      region: "eu",
      endpoint,
      credentials: { api_key: apiKey },
    });
    const clouds = (endpoint: string, wallet: Wallet) => ({ bedrock: bedrock(endpoint, wallet), azure: azure(endpoint, wallet) });
    /** A workspace's own, under the names that every workspace here uses. */
    const own = (endpoint: string, wallet: Wallet) => ({
      upstreams: { "own-bedrock": clouds(endpoint, wallet).bedrock, "own-azure": clouds(endpoint, wallet).azure },
    });
    const replaced = { claude: at("own-bedrock", HAIKU), gpt: at("own-azure", "own-gpt") };
    const shared = clouds(this.recorder("shared").url, WALLETS.shared);
    const statuses = [400, 401, 403, 404, 429, 500, 503];
    const echoing = Object.fromEntries(
      statuses.flatMap((status) => [
        [`claude-${status}`, at("own-bedrock", `anthropic.status-${status}`)],
        [`gpt-${status}`, at("own-azure", `status-${status}`)],
      ]),
    );
    const keys = (workspace: string) => ({ default_region: "eu", keys: [keyEntry("ci", byokKey(workspace))] });
    const clouded = (workspace: string, endpoint: string, wallet: Wallet) => ({ ...keys(workspace), ...own(endpoint, wallet) });
    return {
      workers: 2,
      limits: { rpm: 100_000, tpm: 100_000_000 },
      upstreams: { "bedrock-shared": shared.bedrock, "azure-shared": shared.azure },
      models: {
        claude: at("bedrock-shared", HAIKU),
        gpt: at("azure-shared", "shared-gpt"),
        "claude-kept": at("bedrock-shared", HAIKU),
        "gpt-kept": at("azure-shared", "shared-gpt"),
        "claude-hidden": at("bedrock-shared", HAIKU),
        "gpt-hidden": at("azure-shared", "shared-gpt"),
      },
      workspaces: {
        plain: keys("plain"),
        red: {
          ...clouded("red", this.recorder("red").url, WALLETS.red),
          models: {
            ...replaced,
            "claude-red": at("own-bedrock", HAIKU),
            "gpt-red": at("own-azure", "own-gpt"),
            "claude-kept": {},
            "gpt-kept": {},
          },
        },
        blue: { ...clouded("blue", this.recorder("blue").url, WALLETS.blue), models: replaced },
        refused: {
          ...keys("refused"),
          upstreams: {
            "own-bedrock": clouds(sandbox.bedrock.url, WALLETS.refused).bedrock,
            "own-azure": clouds(sandbox.azure.url, WALLETS.refused).azure,
          },
          models: replaced,
        },
        echoed: { ...clouded("echoed", this.#echo?.url ?? "", WALLETS.refused), models: echoing },
        stranded: { ...clouded("stranded", `http://127.0.0.1:${DEAD_PORT}`, WALLETS.blue), models: replaced },
      },
    };
  }
}
