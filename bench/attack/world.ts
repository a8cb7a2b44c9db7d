/**
 * The surroundings of an attack: a gateway, the clouds of the neighbour and those of the attacker. With two processors or more, the gateway has the first
 * one for itself, as in a container with one processor. All the others share the second one, where the attacker and its clouds have the lowest priority. So the
 * neighbour's times show what the gateway does, and not that the attacker uses the same machine.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { keyEntry, type RuntimeName, startWeir, type Weir } from "../../test/support/weir.ts";
import { MODEL } from "./bodies.ts";
import type { Clouds } from "./cloud.ts";
import { KEYS } from "./keys.ts";
import type { Took } from "./neighbour.ts";

export interface Setting {
  runtime: RuntimeName;
  workers: number;
}

const HAIKU = "anthropic.claude-3-haiku-20240307-v1:0";
/** A limit that no call of the measurement reaches. */
const ROOMY = { rpm: 100_000_000, tpm: 1_000_000_000 };
const POLL_MS = 20;
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const canPin = availableParallelism() > 1 && process.platform === "linux";
const GATEWAYS = canPin ? ["taskset", "-c", "0"] : [];
const OTHERS = canPin ? ["taskset", "-c", "1"] : [];
const ATTACKERS = [...OTHERS, "nice", "-n", "19"];

/** A sentence for the table that says how the processors are shared. */
export const PLACES = canPin
  ? "The gateway has a processor for itself; neighbour, attacker and clouds share another."
  : "All programs share the processors, so the figures include what the attacker itself uses.";

function start(before: readonly string[], file: string, words: readonly string[]): ChildProcess {
  const [program = "", ...rest] = [...before, process.execPath, here(file), ...words];
  return spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
}

/** Waits for the end of the program, and reads the JSON that it has printed. */
function printed<T>(child: ChildProcess): Promise<T> {
  let text = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as T);
      else reject(new Error(`a process of the attack ended with ${code}: ${text}`));
    });
  });
}

function firstLine<T>(child: ChildProcess): Promise<T> {
  let text = "";
  return new Promise((resolve, reject) => {
    child.on("exit", () => reject(new Error("the clouds of the attack did not start")));
    child.stdout?.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      const end = text.indexOf("\n");
      if (end >= 0) resolve(JSON.parse(text.slice(0, end)) as T);
    });
  });
}

export class AttackWorld {
  readonly #setting: Setting;
  readonly #clouds: ChildProcess[] = [];
  #weir: Weir | undefined;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  get weir(): Weir {
    if (this.#weir === undefined) throw new Error("the world of the attack has not been started");
    return this.#weir;
  }

  async start(): Promise<void> {
    const [mine, theirs] = await Promise.all(
      [OTHERS, ATTACKERS].map((before) => {
        const cloud = start(before, "cloud.ts", []);
        this.#clouds.push(cloud);
        return firstLine<Clouds>(cloud);
      }),
    );
    const { runtime, workers } = this.#setting;
    const config = configuration(mine as Clouds, theirs as Clouds, workers);
    this.#weir = await startWeir({ runtime, config, through: GATEWAYS });
  }

  stop(): void {
    this.#weir?.child.kill("SIGKILL");
    for (const cloud of this.#clouds) cloud.kill("SIGKILL");
  }

  neighbour(seconds: number): Promise<Took> {
    return printed(start(OTHERS, "neighbour.ts", [new URL(this.weir.url).port, String(seconds)]));
  }

  flood(name: string, seconds: number): Promise<Record<string, number>> {
    const ports = [this.weir.url, this.weir.adminUrl].map((url) => new URL(url).port);
    return printed(start(ATTACKERS, "flooder.ts", [name, ...ports, String(seconds)]));
  }

  /** The most memory that the gateway has until `going` ends, in MB. */
  async peakWhile<T>(going: Promise<T>): Promise<{ peak: number; value: T }> {
    const file = `/proc/${this.weir.child.pid}/status`;
    let peak = 0;
    const look = () => {
      const kilobytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(file, "utf8"))?.[1] ?? 0);
      peak = Math.max(peak, Math.round(kilobytes / 1024));
    };
    const timer = setInterval(look, POLL_MS);
    try {
      const value = await going;
      look();
      return { peak, value };
    } finally {
      clearInterval(timer);
    }
  }
}

function configuration(mine: Clouds, theirs: Clouds, workers: number): Record<string, unknown> {
  const bedrock = ({ bedrock: endpoint, accessKeyId, secretAccessKey }: Clouds) => ({
    provider: "bedrock",
    region: "eu",
    aws_region: "eu-central-1",
    endpoint,
    credentials: { access_key_id: accessKeyId, secret_access_key: secretAccessKey },
  });
  const hostile = { provider: "azure", region: "eu", endpoint: theirs.hostile, api: "v1", credentials: { api_key: theirs.apiKey } };
  const claude = (upstream: string) => ({ targets: [{ upstream, model: HAIKU }] });
  const gpt = (model: string) => ({ targets: [{ upstream: "hostile", model }] });
  const own = {
    upstreams: { own: bedrock(theirs), hostile },
    models: { [MODEL]: claude("own"), unfinished: gpt("unfinished"), unread: gpt("unread"), endless: gpt("endless") },
  };
  const workspace = (name: keyof typeof KEYS, more: object) => ({ default_region: "eu", keys: [keyEntry("k", KEYS[name])], ...more });
  return {
    workers,
    upstreams: { shared: bedrock(mine) },
    models: { [MODEL]: claude("shared") },
    workspaces: {
      neighbour: workspace("neighbour", { limits: ROOMY }),
      attacker: workspace("attacker", { limits: ROOMY, ...own }),
      second: workspace("second", { limits: ROOMY, ...own }),
      limited: workspace("limited", own),
    },
  };
}
