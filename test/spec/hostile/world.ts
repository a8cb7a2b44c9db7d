/** A gateway before an upstream that says whatever a test wants, and that fetches its credentials: a token of Entra's, temporary keys of AWS's. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { register } from "../../support/collected.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { Call } from "../client.ts";
import { anthropic, openai, type Spoken } from "../dialects.ts";

const KEY = "weir_hostile_team_Vn3Kd8Qs5Xt2";
export const AWS = {
  AWS_ACCESS_KEY_ID: "ASIAFETCHED000000009",
  AWS_SECRET_ACCESS_KEY: "fetched-aws/secret+7b1c44e09a5d",
  AWS_SESSION_TOKEN: `fetched-session/${"Zk3+".repeat(40)}==`,
};
export const TOKEN = `eyJfetched.${"Qm9-".repeat(60)}.entra`;
for (const [name, secret] of Object.entries({ ...AWS, TOKEN })) register(`the fetched ${name}`, secret);

export const UNIFIED: Pick<Spoken, "path"> = { path: "/api/v1/messages" };

type Say = (response: ServerResponse, request: IncomingMessage) => void;

export interface Question {
  model: string;
  stream?: boolean;
  path?: string;
}

export class HostileWorld {
  readonly #runtime: RuntimeName;
  readonly #workers: number;
  /** What each model says. */
  readonly says = new Map<string, Say>();
  #server = createServer((request, response) => this.#answer(request, response));
  #weir: Weir | undefined;

  constructor(runtime: RuntimeName, workers: number) {
    this.#runtime = runtime;
    this.#workers = workers;
  }

  get weir(): Weir {
    if (this.#weir === undefined) throw new Error("the world has not been started");
    return this.#weir;
  }

  /** A model whose upstream does what `say` does. To be called before the start. */
  model(dialect: Spoken, name: string, say: Say): string {
    const model = `${dialect === openai ? "gpt" : "claude"}-${name}`;
    this.says.set(model, say);
    return model;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    const entra = { tenant_id: "tenant", client_id: "client", client_secret: "hostile-client-secret-90ab", authority: endpoint };
    const target = (model: string) => ({ targets: [{ upstream: model.startsWith("gpt") ? "azure" : "bedrock", model }] });
    this.#weir = await startWeir({
      runtime: this.#runtime,
      environment: AWS,
      config: {
        workers: this.#workers,
        limits: { rpm: 1_000, tpm: 10_000_000 },
        upstreams: {
          bedrock: { provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint },
          azure: { provider: "azure", region: "eu", endpoint, credentials: entra },
        },
        models: Object.fromEntries([...this.says.keys()].map((model) => [model, target(model)])),
        workspaces: { team: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
      },
    });
  }

  async stop(): Promise<void> {
    await this.#weir?.collect();
    this.#weir?.child.kill("SIGKILL");
    this.#server.closeAllConnections();
    this.#server.close();
  }

  open({ model, stream = false, path }: Question): Call {
    const dialect = model.startsWith("gpt") ? openai : anthropic;
    return new Call(Number(new URL(this.weir.url).port), {
      path: path ?? dialect.path,
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
      body: JSON.stringify(dialect.body("Hello", { model, stream })),
    });
  }

  /** The access line of a model's last call. */
  logged(model: string, outcome: string): Promise<Record<string, unknown>> {
    return this.weir.logged((line) => line.message === "request" && line.model === model && line.outcome === outcome);
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const parts: Buffer[] = [];
    request.on("data", (bytes: Buffer) => parts.push(bytes));
    request.on("error", () => {});
    request.on("end", () => {
      if (request.url?.endsWith("/token")) {
        response.end(JSON.stringify({ token_type: "Bearer", expires_in: 3_600, access_token: TOKEN }));
        return;
      }
      const asked = `${request.url} ${Buffer.concat(parts).toString("latin1")}`;
      const [, say] = [...this.says].find(([model]) => asked.includes(`/${model}/`) || asked.includes(`"${model}"`)) ?? [];
      say?.(response, request);
    });
  }
}
