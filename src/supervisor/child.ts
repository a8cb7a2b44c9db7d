import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { FixedConfig } from "../contract/config.ts";
import { PROCESS_VARIABLE, type ProcessMessage, type SupervisorMessage } from "./protocol.ts";

export interface ChildOptions {
  index: number;
  /** The program, then its arguments. */
  command: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  settings: FixedConfig;
  /** The group's secret; see `SupervisorAdminParts.secret`. */
  secret: string;
  /** Whole lines of its standard output. */
  onLines(lines: string): void;
  onBuilt(child: Child): void;
  onListening(child: Child): void;
  /** @param end - Its exit code, or the signal that ended it. */
  onExit(child: Child, end: number | string): void;
}

export type ChildState = "starting" | "built" | "listening" | "gone";

const PATIENCE_MS = 2_000;

/** One gateway process, from its start to its end. */
export class Child {
  readonly index: number;
  readonly startedMs = performance.now();
  readonly #process: ChildProcess;
  #state: ChildState = "starting";
  #adminPort = 0;

  constructor(options: ChildOptions) {
    this.index = options.index;
    const [program = "", ...words] = options.command;
    const env = { ...options.environment, [PROCESS_VARIABLE]: String(options.index) };
    const child = spawn(program, words, { env, stdio: ["ignore", "pipe", "inherit", "ipc"] });
    this.#process = child;
    const lines = new WholeLines(options.onLines);
    child.stdout?.setEncoding("utf8");
    child.stdout?.on("data", (text: string) => lines.write(text));
    child.stdout?.on("end", () => lines.end());
    child.on("message", (message: ProcessMessage) => {
      if (message.type === "listening") this.#adminPort = message.adminPort;
      this.#state = message.type;
      if (message.type === "built") options.onBuilt(this);
      else options.onListening(this);
    });
    const ended = (end: number | string) => {
      if (this.#state === "gone") return;
      this.#state = "gone";
      options.onExit(this, end);
    };
    // Not "exit": the last lines may arrive after it.
    child.on("close", (code, signal) => ended(code ?? signal ?? "unknown"));
    // The process could not be started; or a message was sent to one that has just ended, and "close" follows.
    child.on("error", (error) => {
      if (child.pid === undefined) ended(error.message);
    });
    this.send({ type: "settings", settings: options.settings, secret: options.secret });
  }

  get state(): ChildState {
    return this.#state;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The port of its admin listener on loopback; 0 until it listens. */
  get adminPort(): number {
    return this.#adminPort;
  }

  send(message: SupervisorMessage): void {
    if (this.#process.connected) this.#process.send(message, () => {});
  }

  /** The whole answer of its admin listener; undefined where none comes in time. */
  async ask(path: string): Promise<Response | undefined> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#adminPort}${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
      return new Response(await answer.arrayBuffer(), { status: answer.status });
    } catch {
      return undefined;
    }
  }

  /** Ends it at once. (Not by `ChildProcess.kill`, which on Deno closes the channel first.) */
  kill(): void {
    const { pid } = this.#process;
    if (pid === undefined || this.#state === "gone") return;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended already, and "close" follows.
    }
  }
}

/** Passes text on in whole lines, so that lines of several writers are not mixed. */
export class WholeLines {
  readonly #pass: (lines: string) => void;
  #rest = "";

  constructor(pass: (lines: string) => void) {
    this.#pass = pass;
  }

  write(text: string): void {
    const end = text.lastIndexOf("\n") + 1;
    if (end === 0) {
      this.#rest += text;
      return;
    }
    this.#pass(this.#rest + text.slice(0, end));
    this.#rest = text.slice(end);
  }

  /** Passes on the last line, with a line end where it had none. */
  end(): void {
    if (this.#rest !== "") this.#pass(`${this.#rest}\n`);
    this.#rest = "";
  }
}
