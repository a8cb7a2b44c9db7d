import { randomBytes } from "node:crypto";
import { type Config, fixedOf } from "../contract/config.ts";
import { EXIT_REFUSED } from "../contract/exit.ts";
import { MergedMetrics } from "../metrics/merged.ts";
import { type AdminHandler, createSupervisorAdmin } from "./admin.ts";
import { Child, type ChildOptions } from "./child.ts";

/** A port on which no other program can listen until it is released. */
export interface HeldPort {
  port: number;
  release(): Promise<void>;
}

export interface SupervisorParts {
  config: Config;
  log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** The command line of every process. */
  command: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** The public port, kept free for the processes. */
  held: HeldPort;
  /** Opens the admin listener; returns its port. */
  listenAdmin(handle: AdminHandler): number;
  onLines(lines: string): void;
  /** Every process listens. */
  onServing(ports: { port: number; adminPort: number }): void;
  /** Everything has ended. */
  leave(exitCode: number): void;
  /** How often the processes are asked whether they are alive. Default: 5 s. */
  pulseMs?: number;
}

/** A process that lived for this time is replaced at once. One that ended sooner is replaced after a pause, which doubles each time. */
const WELL_MS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const PULSE_MS = 5_000;
/** A process that has not answered this number of times in a row is stuck: its share of new connections would wait without end. */
const MISSES = 4;
/** Time after the drain, for the last lines of the log. */
const DRAIN_SLACK_MS = 10_000;

/** Runs several gateway processes behind one public port: starts them together, replaces those that end, drains and reloads all. It serves no call itself. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #metrics = new MergedMetrics();
  readonly #secret = randomBytes(24).toString("base64url");
  /** The processes by their numbers; undefined while one is being replaced. */
  readonly #children: (Child | undefined)[];
  /** How many processes in a row ended soon, by number. */
  readonly #failures: number[];
  readonly #adminPort: number;
  #phase: "building" | "opening" | "serving" | "draining" = "building";
  #exitCode = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    const { processes } = parts.config;
    this.#children = Array.from({ length: processes }, () => undefined);
    this.#failures = Array.from({ length: processes }, () => 0);
    this.#adminPort = parts.listenAdmin(
      createSupervisorAdmin({
        members: () => this.#children,
        draining: () => this.#phase === "draining",
        metrics: this.#metrics,
        secret: this.#secret,
      }),
    );
    for (let index = 0; index < processes; index++) this.#start(index);
    watchPulses(
      () => this.#children,
      parts.pulseMs ?? PULSE_MS,
      (child) => {
        parts.log.error({ stuck: child.index, pid: child.pid }, "a process no longer answers and is ended");
        child.kill();
      },
    );
  }

  /** Every process reads the configuration again. */
  reload(): void {
    for (const child of this.#children) child?.send({ type: "reload" });
  }

  /** Every process finishes its open calls and ends; then this process ends. */
  drain(): void {
    if (this.#phase === "draining") return;
    this.#phase = "draining";
    const { log, config } = this.#parts;
    const left = this.#left();
    log.info({ processes: left.length }, "draining all processes");
    for (const child of left) child.send({ type: "drain" });
    setTimeout(() => this.kill(), config.server.drainGraceMs + config.server.drainTimeoutMs + DRAIN_SLACK_MS).unref?.();
    this.#leaveWhenEmpty();
  }

  /** Ends every process at once. */
  kill(): void {
    for (const child of this.#left()) child.kill();
  }

  #start(index: number): void {
    const { command, environment, config, onLines } = this.#parts;
    const events: Pick<ChildOptions, "onBuilt" | "onListening" | "onExit"> = {
      onBuilt: (child) => void this.#built(child),
      onListening: (child) => this.#listening(child),
      onExit: (child, end) => this.#ended(child, end),
    };
    this.#children[index] = new Child({
      index,
      command,
      environment,
      settings: fixedOf(config),
      secret: this.#secret,
      onLines,
      ...events,
    });
  }

  async #built(child: Child): Promise<void> {
    if (this.#phase === "building") {
      if (!this.#children.every((each) => each?.state === "built")) return;
      this.#phase = "opening";
      await this.#parts.held.release();
      for (const each of this.#children) each?.send({ type: "listen", port: this.#parts.held.port });
    } else if (this.#phase === "serving") child.send({ type: "listen", port: this.#parts.held.port });
    else child.kill();
  }

  #listening(child: Child): void {
    const { log, config, held } = this.#parts;
    const listening = this.#countListening();
    log.info({ started: child.index, pid: child.pid }, "a process listens");
    // The first `fetch` of Bun starts a thread, and where no descriptor is left for that thread, Bun ends this process. Now there are some.
    void child.ask("/healthz");
    if (this.#phase === "draining") child.send({ type: "drain" });
    else if (this.#phase === "opening" && listening === config.processes) {
      this.#phase = "serving";
      this.#parts.onServing({ port: held.port, adminPort: this.#adminPort });
    }
  }

  #ended(child: Child, end: number | string): void {
    const { index } = child;
    this.#children[index] = undefined;
    this.#metrics.gone(index);
    this.#countListening();
    if (this.#phase === "draining") {
      if (end !== 0 && this.#exitCode === 0) {
        this.#exitCode = EXIT_REFUSED;
        this.#parts.log.error({ ended: index, end }, "a process ended before it had drained");
      }
      this.#leaveWhenEmpty();
    } else if (this.#phase === "serving") this.#replace(child, end);
    else this.#giveUp(index, end);
  }

  #replace({ index, startedMs }: Child, end: number | string): void {
    const livedMs = Math.round(performance.now() - startedMs);
    const failures = livedMs < WELL_MS ? (this.#failures[index] ?? 0) : 0;
    this.#failures[index] = failures + 1;
    const pauseMs = failures === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
    this.#metrics.restarted();
    this.#parts.log.error({ ended: index, end, lived_ms: livedMs, pause_ms: pauseMs }, "a process ended and is being replaced");
    setTimeout(() => {
      if (this.#phase === "serving") this.#start(index);
    }, pauseMs);
  }

  /** Ends all processes: at the start, what one process cannot do, no process can. The log of that process says why. */
  #giveUp(index: number, end: number | string): void {
    if (this.#exitCode !== 0) return;
    this.#exitCode = typeof end === "number" && end !== 0 ? end : EXIT_REFUSED;
    this.#parts.log.error({ ended: index, end }, "a process could not start, so none does");
    this.#phase = "draining";
    this.kill();
    this.#leaveWhenEmpty();
  }

  #countListening(): number {
    const listening = this.#left().filter(({ state }) => state === "listening").length;
    this.#metrics.listening(listening);
    return listening;
  }

  #left(): Child[] {
    return this.#children.filter((child) => child !== undefined);
  }

  #leaveWhenEmpty(): void {
    if (this.#left().length === 0) this.#parts.leave(this.#exitCode);
  }
}

/** Asks every process that listens, again and again, whether it is alive. */
function watchPulses(members: () => readonly (Child | undefined)[], everyMs: number, onStuck: (child: Child) => void): void {
  const misses = new WeakMap<Child, number>();
  const look = async (child: Child): Promise<void> => {
    const missed = (await child.ask("/healthz")) === undefined ? (misses.get(child) ?? 0) + 1 : 0;
    misses.set(child, missed);
    if (missed === MISSES && child.state === "listening") onStuck(child);
  };
  setInterval(() => {
    for (const child of members()) if (child?.state === "listening") void look(child);
  }, everyMs).unref?.();
}
