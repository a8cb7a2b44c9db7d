/** A traced gateway, its stand-ins and its collector. */

import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { register } from "../../support/collected.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { DEAD_PORT } from "../../support/waits.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { Collector } from "./collector.ts";

export const KEY = "weir_tracing_key_Hk3Wn8Rt5Yp";
/** A part of every prompt: it must be in no span. */
export const MARKER = "prompt-marker-7d20af";
const FREE = { rpm: 1_000_000, tpm: 1_000_000_000 };

export interface Question {
  headers?: Record<string, string>;
  prompt?: string;
  stream?: boolean;
  model?: string;
}

export class World {
  readonly runtime: RuntimeName;
  readonly collector = new Collector();
  #sandbox: Sandbox | undefined;
  #collectorUrl = "";
  readonly #weirs: Weir[] = [];

  constructor(runtime: RuntimeName) {
    this.runtime = runtime;
  }

  get sandbox(): Sandbox {
    if (this.#sandbox === undefined) throw new Error("not started");
    return this.#sandbox;
  }

  async start(): Promise<void> {
    register("a prompt", MARKER);
    this.#sandbox = await startSandbox({ remember: 5_000 });
    this.#collectorUrl = await this.collector.start();
  }

  async stop(): Promise<void> {
    this.collector.mood = "takes";
    for (const weir of this.#weirs) {
      await weir.collect();
      await weir.stop();
    }
    this.collector.close();
    await this.sandbox.close();
  }

  /** Sends each span at once, unless `environment` says otherwise. */
  async weir(environment: Record<string, string> = {}, config: Record<string, unknown> = {}): Promise<Weir> {
    const weir = await startWeir({
      runtime: this.runtime,
      config: { ...this.#configuration(), ...config },
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: this.#collectorUrl, OTEL_BSP_SCHEDULE_DELAY: "20", ...environment },
    });
    this.#weirs.push(weir);
    return weir;
  }

  async ask(weir: Weir, { headers = {}, prompt = "Hello", stream = false, model = "claude" }: Question = {}): Promise<Response> {
    const messages = [{ role: "user", content: `${MARKER} ${prompt}` }];
    const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": KEY, ...headers },
      body: JSON.stringify({ model, max_tokens: 20, stream, messages }),
    });
    await answer.text();
    return answer;
  }

  #configuration(): Record<string, unknown> {
    const bedrock = bedrockIn("eu", this.sandbox);
    return {
      workers: 1,
      limits: FREE,
      upstreams: { b: bedrock, dead: { ...bedrock, endpoint: `http://127.0.0.1:${DEAD_PORT}` } },
      models: {
        claude: { targets: [{ upstream: "b", model: HAIKU }] },
        twice: {
          targets: [
            { upstream: "dead", model: HAIKU },
            { upstream: "b", model: HAIKU },
          ],
        },
      },
      workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
    };
  }
}

/** A counter of the gateway: the sum of the series whose labels have these texts in them. */
export async function counted(weir: Weir, name: string, ...labels: string[]): Promise<number> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  const series = text.split("\n").filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)));
  return series.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
