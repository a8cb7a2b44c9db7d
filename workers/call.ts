/** What all calls that a worker holds have in common, whichever operation they are. */

import { type ByteText, toByteText } from "../src/contract/bytes.ts";
import type { Along } from "../src/contract/call.ts";
import type { Timeouts } from "../src/contract/config.ts";
import type { Dialect, DialectName } from "../src/contract/dialect.ts";
import { GatewayError, INTERNAL_MESSAGE } from "../src/contract/errors.ts";
import { reportEstimated } from "../src/contract/reports.ts";
import type { Estimator } from "./estimator.ts";
import type { Hold } from "./hold.ts";
import type { Outbox } from "./outbox.ts";
import type { Adapter, Job } from "./providers/provider.ts";
import type { Wheel } from "./wire/clock.ts";
import type { HttpClient, HttpEvents, HttpFailure, HttpHeaders, HttpRequest } from "./wire/http.ts";

/** Parts of a worker that all its calls share. */
export interface CallHost {
  client: HttpClient;
  wheel: Wheel;
  outbox: Outbox;
  /** Milliseconds of silence on a stream after which the client hears a keep-alive. */
  keepAliveMs: number;
  estimator: Estimator;
  hold: Hold;
}

/** The target of a call: an entry of `WorkerConfig.targets`, opened. */
export interface CallTarget {
  id: number;
  /** The name of the upstream, for the log. */
  name: string;
  adapter: Adapter;
  /** The configured credentials of the upstream. */
  secrets: readonly string[];
  timeouts: Timeouts;
}

/** All secrets of a target: an upstream may repeat them in its answers, and they must reach neither a client nor the log. */
export function secretsOf({ secrets, adapter }: CallTarget): readonly string[] {
  const fetched = adapter.fetchedSecrets?.() ?? [];
  return fetched.length === 0 ? secrets : [...secrets, ...fetched];
}

/** The input tokens of a call, as far as they are known when the call starts. */
export interface InputTokens {
  /** Weighed by this worker, before the factor; undefined where the front has guessed. */
  estimate: number | undefined;
  guess: number;
  /** The factor by which an estimate is multiplied, learned from this upstream for this workspace. */
  factor: number;
}

/** A guess that is further off than this part of the estimate is reported to the front. */
const WORTH_REPORTING = 0.1;

/** Weighs a call, and reports the estimate where the front's guess was far off. */
export function weigh(id: number, { estimator, outbox }: CallHost, { upstream }: Dialect, { model, body }: Job, input: InputTokens): void {
  if (input.estimate !== undefined) return;
  input.estimate = estimator.estimate(upstream, model, body);
  const tokens = Math.ceil(input.estimate * input.factor);
  if (Math.abs(tokens - input.guess) > WORTH_REPORTING * tokens) reportEstimated(outbox.next(), id, tokens);
}

/** The request with the further headers of its call. */
export function withPassedOn(request: HttpRequest, { passedOn }: Along): HttpRequest {
  return passedOn === "" ? request : { ...request, further: [...(request.further ?? []), ...passedOn.split("\n")] };
}

/** A call that a worker holds; it begins when it is made, and reports by its host's outbox. */
export interface Call {
  /** True once nothing more will be reported. */
  readonly over: boolean;
  /** The client has taken `bytes`. */
  credit(bytes: number): void;
  /** The answer is not wanted any more; what was used so far is still reported. */
  cancel(): void;
  /** Code of Weir threw an exception while it worked for this call: this call ends, and no other. */
  fault(thrown: unknown): void;
}

/** Takes back a call that its target has failed before the first text, with all that is needed to begin the call again. */
export type OnMissed = (id: number, dialect: DialectName, job: Job, input: InputTokens) => void;

/** Hands an upstream's events on to a call. A call that has ended gets none, and an exception ends the call. */
export class Guarded implements HttpEvents {
  readonly #call: Call & HttpEvents;

  constructor(call: Call & HttpEvents) {
    this.#call = call;
  }

  resent(): void {
    this.#call.resent?.();
  }

  head(status: number, headers: HttpHeaders): void {
    const call = this.#call;
    if (call.over) return;
    try {
      call.head(status, headers);
    } catch (thrown) {
      call.fault(thrown);
    }
  }

  chunk(bytes: Uint8Array): void {
    const call = this.#call;
    if (call.over) return;
    try {
      call.chunk(bytes);
    } catch (thrown) {
      call.fault(thrown);
    }
  }

  end(): void {
    const call = this.#call;
    if (call.over) return;
    try {
      call.end();
    } catch (thrown) {
      call.fault(thrown);
    }
  }

  fail(failure: HttpFailure): void {
    const call = this.#call;
    if (call.over) return;
    try {
      call.fail(failure);
    } catch (thrown) {
      call.fault(thrown);
    }
  }
}

/** Bytes of an error answer that are kept: enough for any cloud's error object. */
const MOST_REFUSAL_BYTES = 64 * 1024;

/** Collects an upstream's error answer as it comes. */
export class Refusal {
  readonly status: number;
  readonly headers: HttpHeaders;
  body: ByteText = "";

  constructor(status: number, headers: HttpHeaders) {
    this.status = status;
    this.headers = headers;
  }

  /** Keeps as much of `bytes` as there is room for. Returns true once there is no room any more. */
  add(bytes: Uint8Array): boolean {
    this.body += toByteText(bytes.subarray(0, MOST_REFUSAL_BYTES - this.body.length));
    return this.body.length >= MOST_REFUSAL_BYTES;
  }
}

/** The error that a failed connection means for the client; its details are for the log. */
export function connectionFailure(failure: HttpFailure, afterFirstByte: boolean): GatewayError {
  const log = failure.text;
  switch (failure.reason) {
    case "timeout":
      return new GatewayError("upstream_timeout", {
        message: afterFirstByte ? "The model stopped answering." : "The model did not answer in time.",
        log,
      });
    case "unreachable":
      return new GatewayError("upstream_unreachable", { message: "The model's service cannot be reached at this moment.", log });
    case "broken":
      return new GatewayError("upstream_malformed", {
        message: "The connection to the model's service broke before the answer was complete.",
        log,
      });
    case "fault":
      return new GatewayError("internal", { message: INTERNAL_MESSAGE, log });
    case "malformed":
      return new GatewayError("upstream_malformed", { message: "The model's service sent an answer that cannot be read.", log });
  }
}
