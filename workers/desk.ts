/**
 * Takes orders, holds the calls, gives reports: what a worker does, on whatever thread it is. See `src/contract/messages.ts` for both.
 */
import { toByteText } from "../src/contract/bytes.ts";
import type { CallOperation, DialectName } from "../src/contract/dialect.ts";
import { asGatewayError, GatewayError } from "../src/contract/errors.ts";
import { type Flat, ORDER, ORDER_LENGTH, REPORT, type WorkerConfig, type WorkerDesk } from "../src/contract/messages.ts";
import { dialects } from "../src/dialects/index.ts";
import { Count } from "./count.ts";
import { PIECE_BYTES } from "./estimate/text.ts";
import { Estimator } from "./estimator.ts";
import { Outbox, type Schedule } from "./outbox.ts";
import { providers } from "./providers/index.ts";
import type { Connection, Job } from "./providers/provider.ts";
import { secretsOf } from "./providers/secrets.ts";
import { type Call, type CallHost, type CallTarget, type InputTokens, Relay } from "./relay.ts";
import { Wheel } from "./wire/clock.ts";
import { createHttp1Client } from "./wire/http1.ts";

const CANCELLED = new GatewayError("cancelled", { message: "The client has gone." });
const PULSE_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;
/** How long a call that began before a reload may name a target of before: its body may take minutes to arrive. */
const RETIRED_MS = 300_000;

/** How each kind of call is carried. */
const CARRIERS = { generate: Relay, responses: Relay, embeddings: Relay, count_tokens: Count } as const satisfies Record<
  CallOperation,
  unknown
>;

type Targets = Map<number, CallTarget & { model: string; countModel: string | undefined }>;
type WeighedCall = Omit<Job, "upstreamModel" | "countModel" | "requestId"> & { dialect: DialectName; estimate: number };

export class Desk implements WorkerDesk {
  readonly #outbox: Outbox;
  readonly #calls = new Map<number, Call>();
  /** Calls that are being weighed (undefined), or were and wait for `go`. */
  readonly #waiting = new Map<number, WeighedCall | undefined>();
  readonly #estimator = new Estimator();
  #targets: Targets = new Map();
  /** Those of the configurations before, for calls that were routed by them; the newest first. */
  #retired: { targets: Targets; untilMs: number }[] = [];
  /** Connections by their settings, so that a new configuration keeps pools, signing keys and tokens of what it did not change. */
  #connections = new Map<string, Connection>();
  #host: CallHost | undefined;
  #taken = 0;
  #expectedMs = performance.now() + PULSE_MS;

  /** @param schedule - When reports that were gathered are to leave. */
  constructor(post: (reports: Flat) => void, schedule: Schedule) {
    this.#outbox = new Outbox(post, schedule);
    setInterval(() => this.#pulse(), PULSE_MS);
  }

  take(orders: Flat): void {
    let at = 0;
    while (at < orders.length) {
      const operation = orders[at] as number;
      this.#takeOne(operation, orders, at);
      this.#taken += 1;
      if (operation === ORDER.weigh) return; // Its body is the last element.
      at += ORDER_LENGTH[operation] ?? orders.length;
    }
  }

  #takeOne(operation: number, order: Flat, at: number): void {
    const id = order[at + 1] as number;
    switch (operation) {
      case ORDER.call: {
        type Fields = [DialectName, CallOperation, number, number, string, string, string, number, number, string];
        const [dialect, operation, target, stream, model, hints, requestId, guess, factor, body] = order.slice(at + 2, at + 12) as Fields;
        this.#start(
          id,
          dialect,
          target,
          { operation, body, hints, stream: stream === 1, model, requestId },
          { estimate: undefined, guess, factor },
        );
        return;
      }
      case ORDER.credit:
        this.#calls.get(id)?.credit(order[at + 2] as number);
        return;
      case ORDER.cancel:
        // A call that is over has reported so, and the front has read it or will.
        if (this.#waiting.delete(id)) this.#refuse(id, CANCELLED);
        else this.#calls.get(id)?.cancel();
        return;
      case ORDER.weigh:
        this.#waiting.set(id, undefined);
        void this.#weigh(id, ...(order.slice(at + 2, at + 6) as unknown as [DialectName, CallOperation, string, ArrayBuffer]));
        return;
      case ORDER.go: {
        const call = this.#waiting.get(id);
        this.#waiting.delete(id);
        if (call === undefined) return;
        const { dialect, estimate, ...job } = call;
        this.#start(
          id,
          dialect,
          order[at + 2] as number,
          { ...job, requestId: order[at + 3] as string },
          { estimate, guess: 0, factor: order[at + 4] as number },
        );
        return;
      }
      case ORDER.configure:
        this.#configure(JSON.parse(order[at + 2] as string) as WorkerConfig);
        return;
      case ORDER.crash:
        setTimeout(() => {
          throw new Error("ended by a drill");
        });
    }
  }

  #configure(config: WorkerConfig): void {
    const outbox = this.#outbox;
    const estimator = this.#estimator;
    const wheel = this.#host?.wheel ?? new Wheel();
    this.#host ??= { client: createHttp1Client({ proxy: config.proxy, wheel }), wheel, outbox, keepAliveMs: KEEP_ALIVE_MS, estimator };
    estimator.configure(config.weighing);
    const kept = this.#connections;
    const connections = new Map<string, Connection>();
    const opened = config.upstreams.map((upstream) => {
      const key = JSON.stringify(upstream);
      const connection = kept.get(key) ?? connections.get(key) ?? providers[upstream.provider]?.open(upstream);
      if (connection === undefined) throw new Error(`no provider is called ${upstream.provider}`);
      connections.set(key, connection);
      return connection;
    });
    this.#connections = connections;
    const hidden = config.upstreams.map(secretsOf);
    for (const [key, connection] of kept) if (!connections.has(key)) this.#host.client.forget(connection.origin);
    this.#retired.unshift({ targets: this.#targets, untilMs: performance.now() + RETIRED_MS });
    this.#targets = new Map();
    for (const { id, upstream, model, countModel, timeouts } of config.targets) {
      const connection = opened[upstream];
      const secrets = hidden[upstream] ?? [];
      if (connection !== undefined) this.#targets.set(id, { connection, secrets, model, countModel, timeouts });
    }
    outbox.push(REPORT.ready, 0);
  }

  /** Checks and estimates a body before its call may start: one that is too large for the front, or that might not fit its limit. */
  async #weigh(id: number, dialect: DialectName, operation: CallOperation, hints: string, buffer: ArrayBuffer): Promise<void> {
    const waiting = this.#waiting;
    const estimator = this.#estimator;
    try {
      // Other calls have their turn between the steps: each takes milliseconds where the body has megabytes.
      const turn = buffer.byteLength > PIECE_BYTES ? nextTurn : noTurn;
      const body = toByteText(Buffer.from(buffer));
      const { check, upstream } = dialects[dialect];
      await turn();
      if (!waiting.has(id)) return; // Cancelled meanwhile, as below.
      const { model, stream, maxTokens, request } = check(body, hints, operation);
      await turn();
      const estimate = await (estimator.isExact(model)
        ? estimator.count(upstream, model, body)
        : estimator.estimateInTurns(upstream, model, body, request, turn));
      if (!waiting.has(id)) return;
      waiting.set(id, { dialect, operation, hints, body, model, stream, estimate });
      this.#outbox.push(REPORT.weighed, id, model, stream ? 1 : 0, maxTokens, estimate);
    } catch (thrown) {
      if (waiting.delete(id)) this.#refuse(id, asGatewayError(thrown));
    }
  }

  #start(id: number, dialect: DialectName, targetId: number, call: Omit<Job, "upstreamModel" | "countModel">, input: InputTokens): void {
    const host = this.#host;
    const target = this.#targets.get(targetId) ?? this.#retired.find((one) => one.targets.has(targetId))?.targets.get(targetId);
    if (host === undefined || target === undefined) {
      const log = `the worker knows no target ${targetId}`;
      this.#refuse(id, new GatewayError("internal", { message: "An internal error occurred.", log }));
      return;
    }
    const job: Job = { ...call, upstreamModel: target.model, countModel: target.countModel };
    const started = new CARRIERS[job.operation](id, host, dialects[dialect], job, input, target, this.#onOver);
    if (!started.over) this.#calls.set(id, started);
  }

  readonly #onOver = (id: number): void => void this.#calls.delete(id);

  /** The end of a call that never reached an upstream. */
  #refuse(id: number, error: GatewayError): void {
    this.#outbox.push(REPORT.fail, id, error.kind, JSON.stringify(error.detail), 0, 0, 0, 0, 0, 0, "", 0);
  }

  #pulse(): void {
    const nowMs = performance.now();
    this.#outbox.push(REPORT.pulse, 0, Math.max(0, nowMs - this.#expectedMs), this.#taken);
    this.#expectedMs = nowMs + PULSE_MS;
    if (this.#retired.length > 0) this.#retired = this.#retired.filter(({ untilMs }) => untilMs > nowMs);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function noTurn(): Promise<void> {}
