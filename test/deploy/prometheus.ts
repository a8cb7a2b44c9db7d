/** A real Prometheus for tests: Debian's package, a port that the system chose, files in a folder that is removed with it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { eventually, freePort } from "../support/waits.ts";

export const DEPLOY = join(import.meta.dir, "../../deploy");

/** Without Prometheus its tests are skipped; in CI they fail, since `npm test` installs it there. */
export const havePrometheus = Boolean(process.env.CI) || ["prometheus", "promtool"].every((program) => Bun.which(program) !== null);

/** Ends Prometheus when its standard input does: with this process, however that ends. First line out: the id of Prometheus. */
const KEEPER = 'exec 3<&0; prometheus "$@" 3<&- 1>&2 & echo $!; (read -r _ <&3; kill -9 $!) 2>/dev/null >/dev/null & wait $!';

export interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
  state: "pending" | "firing";
}

export interface Series {
  metric: Record<string, string>;
  /** Moment and value, of an instant query. */
  value: [number, string];
}

export interface Curves {
  metric: Record<string, string>;
  /** Moments in seconds since 1970, and values. */
  values: [number, string][];
}

export interface PrometheusOptions {
  /** `127.0.0.1:9090`: admin listeners of gateways. */
  targets: readonly string[];
  scrapeMs: number;
  /** Texts of rule files. */
  rules?: Record<string, string>;
}

export class Prometheus {
  readonly url: string;
  readonly #keeper: ChildProcess;
  readonly #folder: string;
  readonly said: () => string;

  constructor(url: string, keeper: ChildProcess, folder: string, said: () => string) {
    this.url = url;
    this.#keeper = keeper;
    this.#folder = folder;
    this.said = said;
  }

  /** @throws Error where Prometheus does not take the query. */
  async query(expression: string): Promise<Series[]> {
    return await this.#asked<Series>("query", { query: expression });
  }

  /** Over a span of time. @throws Error where Prometheus does not take the query */
  async range(expression: string, { fromMs, toMs, stepMs }: { fromMs: number; toMs: number; stepMs: number }): Promise<Curves[]> {
    const span = { start: String(fromMs / 1_000), end: String(toMs / 1_000), step: String(stepMs / 1_000) };
    return await this.#asked<Curves>("query_range", { query: expression, ...span });
  }

  async #asked<Result>(path: string, fields: Record<string, string> & { query: string }): Promise<Result[]> {
    const answer = await fetch(`${this.url}/api/v1/${path}`, { method: "POST", body: new URLSearchParams(fields) });
    const { status, error, data } = (await answer.json()) as { status: string; error?: string; data: { result: Result[] } };
    if (status !== "success") throw new Error(`${fields.query}: ${error}`);
    return data.result;
  }

  async alerts(): Promise<Alert[]> {
    const answer = await fetch(`${this.url}/api/v1/alerts`);
    return ((await answer.json()) as { data: { alerts: Alert[] } }).data.alerts;
  }

  /** Names of rules that could not be evaluated, with the reason. */
  async brokenRules(): Promise<string[]> {
    const answer = await fetch(`${this.url}/api/v1/rules`);
    const { data } = (await answer.json()) as { data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] } };
    return data.groups.flatMap(({ rules }) =>
      rules.filter(({ health }) => health !== "ok").map((rule) => `${rule.name}: ${rule.lastError}`),
    );
  }

  async stop(): Promise<void> {
    const gone = new Promise<void>((resolve) => this.#keeper.once("exit", () => resolve()));
    this.#keeper.stdin?.end();
    await gone;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function startPrometheus({ targets, scrapeMs, rules = {} }: PrometheusOptions): Promise<Prometheus> {
  const folder = mkdtempSync(join(tmpdir(), "weir-prometheus-"));
  for (const [name, text] of Object.entries(rules)) writeFileSync(join(folder, name), text);
  const config = {
    global: { scrape_interval: `${scrapeMs}ms`, scrape_timeout: `${scrapeMs}ms`, evaluation_interval: `${scrapeMs}ms` },
    rule_files: Object.keys(rules),
    // The rules look for this name of the job.
    scrape_configs: [{ job_name: "weir", static_configs: [{ targets }] }],
  };
  writeFileSync(join(folder, "prometheus.yaml"), JSON.stringify(config));
  const port = await freePort();
  const keeper = spawn(
    "sh",
    [
      "-c",
      KEEPER,
      "sh",
      `--config.file=${join(folder, "prometheus.yaml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=warn",
    ],
    { cwd: folder, stdio: ["pipe", "ignore", "pipe"] },
  );
  let said = "";
  keeper.stderr.on("data", (bytes: Buffer) => {
    said += bytes.toString();
  });
  const url = `http://127.0.0.1:${port}`;
  const isReady = async () => {
    if (keeper.exitCode !== null) throw new Error(`prometheus ended with ${keeper.exitCode}:\n${said}`);
    return await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  };
  await eventually(isReady, "prometheus to be ready", 15_000);
  return new Prometheus(url, keeper, folder, () => said);
}

export interface Ending {
  status: number | null;
  said: string;
}

/** Runs promtool with a low priority: it calculates for seconds. */
export function promtool(words: readonly string[], folder: string): Promise<Ending> {
  const child = spawn("nice", ["promtool", ...words], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => {
      said += bytes.toString();
    });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, said }));
  });
}

/** The files of the rules that are shipped, by name. */
export function shippedRules(): Record<string, string> {
  const files = ["weir-recording.yaml", "weir-alerts.yaml"].map((name) => join(DEPLOY, "prometheus", name));
  return Object.fromEntries(files.map((file) => [basename(file), readFileSync(file, "utf8")]));
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/**
 * The same rules in a faster time: each duration (`[2m]`, `offset 5m`, `for: 30s`, `interval: 15s`) is divided. Names of recorded series, which have
 * durations in them too, stay as they are.
 */
export function hastened(rules: string, times: number): string {
  return rules.replace(/(\[|offset |for: |interval: )(\d+)(ms|s|m|h)\b/g, (_, before: string, count: string, unit: string) => {
    return `${before}${Math.ceil((Number(count) * (UNITS_MS[unit] ?? 0)) / times)}ms`;
  });
}
