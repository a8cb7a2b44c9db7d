/**
 * Takes orders, holds the calls, gives reports: what a worker does, on whatever thread it is. See `src/contract/orders.ts` and `reports.ts` for both.
 */
import type { Accepts } from "../src/contract/accepts.ts";
import { toByteText } from "../src/contract/bytes.ts";
import { type Along, type CallOrder, NOTHING_USED, type WeighOrder } from "../src/contract/call.ts";
import type { Upstream } from "../src/contract/config.ts";
import type { Controls } from "../src/contract/controls.ts";
import { CALLS, type CallOperation, type DialectName } from "../src/contract/dialect.ts";
import { asGatewayError, GatewayError, INTERNAL_MESSAGE } from "../src/contract/errors.ts";
import { Ending } from "../src/contract/fault.ts";
import type { Flat, WorkerConfig, WorkerDesk } from "../src/contract/messages.ts";
import { type OrderTaker, readOrders } from "../src/contract/orders.ts";
import { reportFail, reportPulse, reportReady, reportWeighed } from "../src/contract/reports.ts";
import { dialects } from "../src/dialects/index.ts";
import type { Call, CallHost, CallTarget, InputTokens } from "./call.ts";
import { Count } from "./count.ts";
import { PIECE_BYTES } from "./estimate/text.ts";
import { Estimator } from "./estimator.ts";
import { giveWay } from "./give-way.ts";
import { Hold } from "./hold.ts";
import { Outbox, type Schedule } from "./outbox.ts";
import { providers } from "./providers/index.ts";
import type { Adapter, Job } from "./providers/provider.ts";
import { Relay } from "./relay.ts";
import { Wheel } from "./wire/clock.ts";
import { createHttp1Client } from "./wire/http1.ts";

const CANCELLED = new GatewayError("cancelled", { message: "The client has gone." });
const PULSE_MS = 500;
const KEEP_ALIVE_MS = 15_000;
/** How long a call that began before a reload may name a target of before: its body may take minutes to arrive. */
const RETIRED_MS = 300_000;
/** Characters of the client's own name for its user that a log can use. */
const LONGEST_USER = 256;

/** A count always has an answer, if need be Weir's own. */
const carrierOf = (operation: CallOperation) => (operation === "count_tokens" ? Count : Relay);

const NEVER_CHANGED = new Int32Array(1);

type Targets = Map<
  number,
  CallTarget & { model: string; countModel: string | undefined; accepts: Accepts; controls: Controls | undefined }
>;
type OfTarget = "upstreamModel" | "countModel" | "accepts" | "controls" | "dropped" | "goesOn" | "takes";
type WaitingCall = Omit<Job, OfTarget | "isLast" | "along"> & { dialect: DialectName; input: InputTokens };

export class Desk implements WorkerDesk, OrderTaker {
  readonly #outbox: Outbox;
  readonly #calls = new Map<number, Call>();
  /** Calls that wait to be weighed. No other object holds their bodies, so a call that is cancelled frees its own. */
  readonly #unchecked = new Map<number, WeighOrder>();
  /** Calls that are being weighed (undefined), or were and wait for `go`; and calls that a target has failed. */
  readonly #waiting = new Map<number, WaitingCall | undefined>();
  /** The end of a line of bodies that are checked one at a time, since a parsed one takes many times its size. */
  #line = Promise.resolve();
  readonly #estimator = new Estimator();
  #targets: Targets = new Map();
  /** Targets of earlier configurations, for calls that were routed by them; the newest first. */
  #retired: { targets: Targets; untilMs: number }[] = [];
  /** Adapters by their settings, so that a new configuration keeps pools, signing keys and tokens of what it did not change. */
  #adapters = new Map<string, Adapter>();
  /** What models take, by its text. */
  #kinds = new Map<string, Accepts>();
  #host: CallHost | undefined;
  #taken = 0;
  #expectedMs = performance.now() + PULSE_MS;

  /** @param schedule - When reports that were gathered are to leave. */
  constructor(post: (reports: Flat) => void, schedule: Schedule) {
    this.#outbox = new Outbox(post, schedule);
    setInterval(() => this.#pulse(), PULSE_MS);
  }

  take(orders: Flat): void {
    this.#taken += readOrders(orders, this);
  }

  fault(thrown: unknown): void {
    this.#outbox.notice(asGatewayError(thrown).detail.log ?? "");
  }

  /** Called by the reader of orders: an order that could not be carried out ends its own call, and not those of the others. */
  failed(id: number | undefined, thrown: unknown): void {
    // Calls would be answered by a configuration that is out of force.
    if (id === undefined) throw new Ending(`the configuration cannot be used: ${asGatewayError(thrown).detail.log}`);
    const call = this.#calls.get(id);
    if (call === undefined) this.#refuse(id, asGatewayError(thrown));
    else call.fault(thrown);
  }

  call(id: number, order: CallOrder): void {
    const { dialect, target, operation, body, hints, owner, stream, model, isLast, along, guess, estimate, factor } = order;
    // A kept answer was paid for by the call that made it.
    const known = CALLS[operation].kept ? 0 : estimate || undefined;
    this.#start(id, dialect, target, { operation, body, hints, owner, stream, model, isLast, along }, { estimate: known, guess, factor });
  }

  weigh(id: number, order: WeighOrder): void {
    this.#unchecked.set(id, order);
    this.#line = this.#line.then(() => this.#weigh(id));
  }

  go(id: number, target: number, isLast: boolean, factor: number, along: Along): void {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (call === undefined) return;
    const { dialect, input, ...job } = call;
    this.#start(id, dialect, target, { ...job, isLast, along }, { ...input, factor });
  }

  cancel(id: number): void {
    // A call that is over has reported so, and the front has read it or will.
    if (this.#unchecked.delete(id) || this.#waiting.delete(id)) this.#refuse(id, CANCELLED);
    else this.#calls.get(id)?.cancel();
  }

  credit(id: number, bytes: number): void {
    this.#calls.get(id)?.credit(bytes);
  }

  /** For the reader of orders: a target of before has nothing to learn, as no call will name it. */
  teach(target: number, forMs: number, taught: string): void {
    const pupil = this.#targets.get(target);
    pupil?.adapter.taught?.({ upstreamModel: pupil.model, accepts: pupil.accepts }, taught, forMs);
  }

  drill(how: "crash" | "stall"): void {
    setTimeout(() => {
      if (how === "crash") throw new Ending("ended by a drill");
      // A loop that does not end, as the watchdog is to notice.
      for (;;) Atomics.load(NEVER_CHANGED, 0);
    });
  }

  configure(config: WorkerConfig): void {
    const outbox = this.#outbox;
    const estimator = this.#estimator;
    const wheel = this.#host?.wheel ?? new Wheel();
    this.#host ??= {
      client: createHttp1Client({ proxy: config.proxy, wheel }),
      wheel,
      outbox,
      keepAliveMs: KEEP_ALIVE_MS,
      estimator,
      hold: new Hold(),
    };
    if (config.givesWay === true) giveWay();
    this.#host.hold.mostBytes = config.heldBytes;
    estimator.configure(config.weighing);
    const kept = this.#adapters;
    const adapters = new Map<string, Adapter>();
    const opened = config.upstreams.map((upstream) => {
      const key = JSON.stringify(upstream);
      const adapter = kept.get(key) ?? adapters.get(key) ?? this.#open(upstream);
      if (adapter !== undefined) adapters.set(key, adapter);
      return adapter;
    });
    this.#adapters = adapters;
    const hidden = config.upstreams.map(({ provider, settings }) => providers[provider]?.secrets(settings) ?? []);
    for (const [key, adapter] of kept) if (!adapters.has(key)) this.#host.client.forget(adapter.origin);
    const before = this.#targets;
    this.#targets = new Map();
    const kinds = this.#kindsOf(config.accepts);
    for (const { id, upstream, model, countModel, accepts, controls, timeouts } of config.targets) {
      const adapter = opened[upstream];
      const secrets = hidden[upstream] ?? [];
      const name = config.upstreams[upstream]?.name ?? "";
      if (adapter !== undefined)
        this.#targets.set(id, { id, name, adapter, secrets, model, countModel, accepts: kinds[accepts] ?? {}, controls, timeouts });
    }
    // Only adapters that are not named any more: a configuration may be put in force many times a minute, and nearly always has the targets of the one before.
    for (const id of this.#targets.keys()) before.delete(id);
    if (before.size > 0) this.#retired.unshift({ targets: before, untilMs: performance.now() + RETIRED_MS });
    reportReady(outbox.next());
  }

  /** What models take, with the objects of the configuration before where they say the same: lessons are learned by them. */
  #kindsOf(accepts: readonly Accepts[]): Accepts[] {
    const before = this.#kinds;
    this.#kinds = new Map();
    return accepts.map((kind) => {
      const text = JSON.stringify(kind);
      const kept = before.get(text) ?? kind;
      this.#kinds.set(text, kept);
      return kept;
    });
  }

  /** A target that cannot be opened fails its own calls, and not those of all the others. */
  #open(upstream: Upstream): Adapter | undefined {
    try {
      const adapter = providers[upstream.provider]?.open(upstream);
      if (adapter !== undefined) return adapter;
      throw new Error("no such provider");
    } catch (thrown) {
      const kind = thrown instanceof Error ? thrown.name : typeof thrown; // The error's text may repeat an address, or a secret.
      this.#outbox.notice(`upstream "${upstream.name}" cannot be opened (${kind}): its calls fail until its settings are mended`);
      return undefined;
    }
  }

  /** Checks and estimates a body before its call may start: one that is too large for the front, or that might not fit its limit. Never rejects. */
  async #weigh(id: number): Promise<void> {
    const unchecked = this.#unchecked.get(id);
    if (unchecked === undefined) return; // Cancelled before its turn.
    this.#unchecked.delete(id);
    const { dialect, operation, hints, owner, body: buffer } = unchecked;
    const waiting = this.#waiting;
    waiting.set(id, undefined);
    const estimator = this.#estimator;
    try {
      // Other calls have their turn between the steps: each takes milliseconds where the body has megabytes.
      const turn = buffer.byteLength > PIECE_BYTES ? nextTurn : noTurn;
      const body = toByteText(Buffer.from(buffer));
      // The memory goes back now, and not at the next collection.
      buffer.transfer(0);
      const { conversation, user, upstream } = dialects[dialect];
      // Loaded with the first such body: the schema library takes five megabytes, and most workers are never given one.
      const { checks } = await import("../src/dialects/checks.ts");
      await turn();
      if (!waiting.has(id)) return; // Cancelled meanwhile, as below.
      const { model, stream, maxTokens, previous, request } = checks[dialect](body, hints, operation);
      await turn();
      const estimate = await (estimator.isExact(model)
        ? estimator.count(upstream, model, body)
        : estimator.estimateInTurns(upstream, model, body, request, turn));
      if (!waiting.has(id)) return;
      waiting.set(id, { dialect, operation, hints, owner, body, model, stream, input: { estimate, guess: 0, factor: 1 } });
      const hash = CALLS[operation].writes ? conversation(request) : 0;
      const known = { model, stream, maxTokens, previous };
      reportWeighed(this.#outbox.next(), id, known, hash, estimate, user(request).slice(0, LONGEST_USER));
    } catch (thrown) {
      if (waiting.delete(id)) this.#refuse(id, asGatewayError(thrown));
    }
  }

  #start(id: number, dialect: DialectName, targetId: number, call: Omit<Job, OfTarget>, input: InputTokens): void {
    const host = this.#host;
    const target = this.#targets.get(targetId) ?? this.#retired.find((one) => one.targets.has(targetId))?.targets.get(targetId);
    if (host === undefined || target === undefined) {
      const log = `the worker knows no target ${targetId}`;
      this.#refuse(id, new GatewayError("internal", { message: INTERNAL_MESSAGE, log }));
      return;
    }
    const { model: upstreamModel, countModel, accepts, controls } = target;
    const job: Job = { ...call, upstreamModel, countModel, accepts, controls, dropped: "", goesOn: false, takes: undefined };
    const started = new (carrierOf(job.operation))(id, host, dialects[dialect], job, input, target, this.#onOver, this.#onMissed);
    if (!started.over) this.#calls.set(id, started);
  }

  readonly #onOver = (id: number): void => void this.#calls.delete(id);

  /** A target has failed a call that another one may serve: the call waits here for what the front decides. */
  readonly #onMissed = (id: number, dialect: DialectName, job: Job, input: InputTokens): void => {
    const { operation, hints, owner, body, model, stream } = job;
    this.#waiting.set(id, { dialect, operation, hints, owner, body, model, stream, input });
  };

  /** The end of a call that never reached an upstream. */
  #refuse(id: number, error: GatewayError): void {
    reportFail(this.#outbox.next(), id, error.kind, error.detail, NOTHING_USED);
  }

  #pulse(): void {
    const nowMs = performance.now();
    reportPulse(this.#outbox.next(), Math.max(0, nowMs - this.#expectedMs), this.#taken);
    this.#expectedMs = nowMs + PULSE_MS;
    if (this.#retired.length > 0) this.#retired = this.#retired.filter(({ untilMs }) => untilMs > nowMs);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function noTurn(): Promise<void> {}
