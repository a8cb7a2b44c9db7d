/** The surroundings of an endurance run: a gateway with Redis, stand-ins for the clouds, and one target that is away half of the time. */
import { type Sandbox, startSandbox } from "../../src/sandbox/sandbox.ts";
import { type RedisServer, startRedis } from "../../test/support/redis.ts";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../test/support/weir.ts";
import type { Watched } from "./samples.ts";

const ADMIN_TOKEN = "soak-admin-token-5e1b7c90aa";
const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";
const ROOMY = { rpm: 1_000_000, tpm: 1_000_000_000 };

export class SoakWorld {
  /**
   * The keys of three workspaces: one with high limits, one near its limit (so that a worker estimates the tokens of each large call), and one at its
   * limit.
   */
  readonly keys = {
    steady: "weir_soak_steady_Kw8Rt2Vy6Nb1",
    near: "weir_soak_near_Zq4Lp9Xs3Dm7",
    limited: "weir_soak_limited_Fh5Jc1Gv8Te2",
  };
  readonly #runtime: RuntimeName;
  #redis: RedisServer | undefined;
  #sandbox: Sandbox | undefined;
  #shaky: Sandbox | undefined;
  #shakyPort = 0;
  #weir: Weir | undefined;

  constructor(runtime: RuntimeName) {
    this.#runtime = runtime;
  }

  get weir(): Weir {
    return present(this.#weir);
  }

  get port(): number {
    return Number(new URL(this.weir.url).port);
  }

  get watched(): Watched {
    return {
      weir: this.weir,
      adminToken: ADMIN_TOKEN,
      workspaces: Object.keys(this.keys),
      redisPort: present(this.#redis).port,
      upstreamConnections: () => present(this.#sandbox).calls.counts.connections + (this.#shaky?.calls.counts.connections ?? 0),
    };
  }

  async start(): Promise<void> {
    this.#redis = await startRedis();
    this.#sandbox = await startSandbox({ remember: 0 });
    this.#shaky = await this.#startShaky();
    this.#shakyPort = Number(new URL(this.#shaky.bedrock.url).port);
    this.#weir = await startWeir({ runtime: this.#runtime, config: this.#configuration(), environment: { WEIR_CHAOS: "1" } });
  }

  /** Takes the target away, or brings it back. */
  async toggle(): Promise<void> {
    const shaky = this.#shaky;
    this.#shaky = undefined;
    if (shaky === undefined) this.#shaky = await this.#startShaky();
    else await shaky.close();
  }

  /** Ends a worker abruptly. The reservations of its calls stay. */
  async loseWorker(): Promise<void> {
    await fetch(`${this.weir.adminUrl}/admin/v1/chaos/worker`, { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
  }

  async stop(): Promise<void> {
    await this.#weir?.collect();
    this.#weir?.child.kill("SIGKILL");
    await this.#sandbox?.close();
    await this.#shaky?.close();
    await this.#redis?.stop();
  }

  async #startShaky(): Promise<Sandbox> {
    return await startSandbox({ remember: 0, port: this.#shakyPort, credentials: present(this.#sandbox).credentials });
  }

  #configuration(): Record<string, unknown> {
    const sandbox = present(this.#sandbox);
    const { accessKeyId = "", secretAccessKey = "" } = sandbox.credentials.aws.find(({ sessionToken }) => sessionToken === undefined) ?? {};
    const keys = { access_key_id: accessKeyId, secret_access_key: secretAccessKey };
    const bedrock = (endpoint: string) => ({ provider: "bedrock", region: "eu", aws_region: "eu-central-1", endpoint, credentials: keys });
    const azure = (endpoint: string) => ({
      provider: "azure",
      region: "eu",
      endpoint,
      credentials: { api_key: sandbox.credentials.apiKeys[0] ?? "" },
    });
    const { url } = sandbox.bedrock;
    const shaky = `http://127.0.0.1:${this.#shakyPort}`;
    const claude = (upstream: string) => ({ upstream, model: HAIKU });
    const gpt = (upstream: string) => ({ upstream, model: "gpt-4o" });
    const workspace = (name: keyof SoakWorld["keys"], limits?: object) => ({
      default_region: "eu",
      keys: [keyEntry("ci", this.keys[name])],
      ...(limits === undefined ? {} : { limits }),
    });
    return {
      server: { drain_timeout: "2s" },
      admin: { token: ADMIN_TOKEN },
      workers: 2,
      redis: { url: present(this.#redis).url, timeout: "2s" },
      limits: ROOMY,
      upstreams: {
        bedrock: bedrock(url),
        azure: azure(url),
        "bedrock-told": bedrock(url),
        "azure-told": azure(url),
        "bedrock-shaky": bedrock(shaky),
        "azure-shaky": azure(shaky),
      },
      models: {
        claude: { targets: [claude("bedrock")] },
        gpt: { targets: [gpt("azure")] },
        "claude-told": { targets: [claude("bedrock-told")] },
        "gpt-told": { targets: [gpt("azure-told")] },
        "claude-shaky": { targets: [claude("bedrock-shaky"), claude("bedrock")] },
        "gpt-shaky": { targets: [gpt("azure-shaky"), gpt("azure")] },
      },
      workspaces: {
        steady: workspace("steady"),
        near: workspace("near", { rpm: 1_000, tpm: 200_000 }),
        limited: workspace("limited", { rpm: 5, tpm: 20_000 }),
      },
    };
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the soak's world has not been started");
  return value;
}
