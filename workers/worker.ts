/**
 * A worker thread: takes orders, holds the calls, gives reports. See `src/contract/messages.ts` for both.
 */
import { toByteText } from "../src/contract/bytes.ts";
import type { CallOperation, DialectName } from "../src/contract/dialect.ts";
import { asGatewayError, GatewayError } from "../src/contract/errors.ts";
import { type Flat, ORDER, ORDER_LENGTH, REPORT, type WorkerConfig } from "../src/contract/messages.ts";
import { dialects } from "../src/dialects/index.ts";
import { Count } from "./count.ts";
import { Estimator } from "./estimator.ts";
import { Outbox } from "./outbox.ts";
import { providers } from "./providers/index.ts";
import type { Connection, Job } from "./providers/provider.ts";
import { secretsOf } from "./providers/secrets.ts";
import { type Call, type CallHost, type CallTarget, type InputTokens, Relay } from "./relay.ts";
import { Wheel } from "./wire/clock.ts";
import { createHttp1Client } from "./wire/http1.ts";

/** The part of a worker's global scope that is used here; the DOM's types describe a window's. */
interface Scope {
  onmessage: ((event: MessageEvent<Flat>) => void) | null;
  postMessage(message: Flat): void;
}

const CANCELLED = new GatewayError("cancelled", { message: "The client has gone." });
const PULSE_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;
/** How long a call that began before a reload may name a target of before: its body may take minutes to arrive. */
const RETIRED_MS = 300_000;

const scope = globalThis as unknown as Scope;
const outbox = new Outbox((message) => scope.postMessage(message));
const calls = new Map<number, Call>();
/** How each kind of call is carried. */
const CARRIERS = { generate: Relay, responses: Relay, embeddings: Relay, count_tokens: Count } as const satisfies Record<
  CallOperation,
  unknown
>;
/** Calls that are being weighed (undefined), or were and wait for `go`. */
const waiting = new Map<
  number,
  (Omit<Job, "upstreamModel" | "countModel" | "requestId"> & { dialect: DialectName; estimate: number }) | undefined
>();
const estimator = new Estimator();
let targets = new Map<number, CallTarget & { model: string; countModel: string | undefined }>();
/** Those of the configurations before, for calls that were routed by them; the newest first. */
let retired: { targets: typeof targets; untilMs: number }[] = [];
/** Connections by their settings, so that a new configuration keeps pools, signing keys and tokens of what it did not change. */
let connections = new Map<string, Connection>();
let host: CallHost | undefined;
let taken = 0;

scope.onmessage = ({ data }) => {
  let at = 0;
  while (at < data.length) {
    const operation = data[at] as number;
    take(operation, data, at);
    taken += 1;
    if (operation === ORDER.weigh) return; // Its body is the last element.
    at += ORDER_LENGTH[operation] ?? data.length;
  }
};

function take(operation: number, order: Flat, at: number): void {
  const id = order[at + 1] as number;
  switch (operation) {
    case ORDER.call: {
      const fields = order.slice(at + 2, at + 11) as [DialectName, CallOperation, number, number, string, string, string, number, string];
      const [dialect, operation, target, stream, model, hints, requestId, guess, body] = fields;
      start(id, dialect, target, { operation, body, hints, stream: stream === 1, model, requestId }, { estimate: undefined, guess });
      return;
    }
    case ORDER.credit:
      calls.get(id)?.credit(order[at + 2] as number);
      return;
    case ORDER.cancel:
      // A call that is over has reported so, and the front has read it or will.
      if (waiting.delete(id)) refuse(id, CANCELLED);
      else calls.get(id)?.cancel();
      return;
    case ORDER.weigh:
      waiting.set(id, undefined);
      void weigh(id, ...(order.slice(at + 2, at + 6) as unknown as [DialectName, CallOperation, string, ArrayBuffer]));
      return;
    case ORDER.go: {
      const call = waiting.get(id);
      waiting.delete(id);
      if (call === undefined) return;
      const { dialect, estimate, ...job } = call;
      start(id, dialect, order[at + 2] as number, { ...job, requestId: order[at + 3] as string }, { estimate, guess: 0 });
      return;
    }
    case ORDER.configure:
      configure(JSON.parse(order[at + 2] as string) as WorkerConfig);
      return;
    case ORDER.crash:
      setTimeout(() => {
        throw new Error("ended by a drill");
      });
  }
}

function configure(config: WorkerConfig): void {
  const wheel = host?.wheel ?? new Wheel();
  host ??= { client: createHttp1Client({ proxy: config.proxy, wheel }), wheel, outbox, keepAliveMs: KEEP_ALIVE_MS, estimator };
  estimator.configure(config.weighing);
  const kept = connections;
  connections = new Map();
  const opened = config.upstreams.map((upstream) => {
    const key = JSON.stringify(upstream);
    const connection = kept.get(key) ?? connections.get(key) ?? providers[upstream.provider]?.open(upstream);
    if (connection === undefined) throw new Error(`no provider is called ${upstream.provider}`);
    connections.set(key, connection);
    return connection;
  });
  const hidden = config.upstreams.map(secretsOf);
  for (const [key, connection] of kept) if (!connections.has(key)) host.client.forget(connection.origin);
  retired.unshift({ targets, untilMs: performance.now() + RETIRED_MS });
  targets = new Map();
  for (const { id, upstream, model, countModel, timeouts } of config.targets) {
    const connection = opened[upstream];
    const secrets = hidden[upstream] ?? [];
    if (connection !== undefined) targets.set(id, { connection, secrets, model, countModel, timeouts });
  }
  outbox.push(REPORT.ready, 0);
}

/** Checks and estimates a body before its call may start: one that is too large for the front's thread, or that might not fit its limit. */
async function weigh(id: number, dialect: DialectName, operation: CallOperation, hints: string, buffer: ArrayBuffer): Promise<void> {
  try {
    const body = toByteText(new Uint8Array(buffer));
    const { check, upstream } = dialects[dialect];
    // Other calls have their turn between the steps: each takes milliseconds where the body has megabytes.
    await turn();
    const { model, stream, maxTokens, request } = check(body, hints, operation);
    await turn();
    const estimate = await (estimator.isExact(model)
      ? estimator.count(upstream, model, body)
      : estimator.estimateInTurns(upstream, model, body, request, turn));
    if (!waiting.has(id)) return; // Cancelled meanwhile.
    waiting.set(id, { dialect, operation, hints, body, model, stream, estimate });
    outbox.push(REPORT.weighed, id, model, stream ? 1 : 0, maxTokens, estimator.corrected(model, estimate));
  } catch (thrown) {
    if (waiting.delete(id)) refuse(id, asGatewayError(thrown));
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function start(
  id: number,
  dialect: DialectName,
  targetId: number,
  call: Omit<Job, "upstreamModel" | "countModel">,
  input: InputTokens,
): void {
  const target = targets.get(targetId) ?? retired.find((one) => one.targets.has(targetId))?.targets.get(targetId);
  if (host === undefined || target === undefined) {
    refuse(id, new GatewayError("internal", { message: "An internal error occurred.", log: `the worker knows no target ${targetId}` }));
    return;
  }
  const job: Job = { ...call, upstreamModel: target.model, countModel: target.countModel };
  const started = new CARRIERS[job.operation](id, host, dialects[dialect], job, input, target, (over) => calls.delete(over));
  if (!started.over) calls.set(id, started);
}

/** The end of a call that never reached an upstream. */
function refuse(id: number, error: GatewayError): void {
  outbox.push(REPORT.fail, id, error.kind, JSON.stringify(error.detail), 0, 0, 0, 0, 0, 0, "", 0, 1);
}

let expectedMs = performance.now() + PULSE_MS;
setInterval(() => {
  const nowMs = performance.now();
  outbox.push(REPORT.pulse, 0, Math.max(0, nowMs - expectedMs), taken);
  expectedMs = nowMs + PULSE_MS;
  if (retired.length > 0) retired = retired.filter(({ untilMs }) => untilMs > nowMs);
}, PULSE_MS);
