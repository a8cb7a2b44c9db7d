/**
 * The seam of a provider: how a call of one dialect is put to one kind of cloud, and how its answer becomes the dialect's text again.
 * A provider is one folder and one line in `index.ts`; the types of its settings and of what its models take are those of its folder in `src/providers`.
 */
import type { Accepts } from "../../src/contract/accepts.ts";
import type { ByteText } from "../../src/contract/bytes.ts";
import type { Along } from "../../src/contract/call.ts";
import type { Upstream } from "../../src/contract/config.ts";
import type { Controls } from "../../src/contract/controls.ts";
import type { CallOperation } from "../../src/contract/dialect.ts";
import type { GatewayError } from "../../src/contract/errors.ts";
import type { Usage } from "../../src/contract/usage.ts";
import type { HttpHeaders, HttpRequest, Origin } from "../wire/http.ts";

/** One call, as the front ordered it. `Takes`: what its provider's table says of a model. `Set`: its provider's controls. */
export interface Job<Takes extends Accepts = Accepts, Set extends Controls = Controls> {
  operation: CallOperation;
  /** The client's body, checked by its dialect; of a call about a kept answer, its id as the client has it and the query. */
  body: ByteText;
  /** See `Dialect.hints`. */
  hints: string;
  stream: boolean;
  /** The model as the client named it, and as the upstream does. */
  model: string;
  upstreamModel: string;
  /** See `Target.countModel`. */
  countModel: string | undefined;
  /** What the model takes: of its target, and one object for all calls to it. */
  accepts: Takes;
  /** What the configuration sets of the cloud's own controls: one object for all calls to its target. */
  controls?: Set | undefined;
  /** The workspace. */
  owner: string;
  /** No other target could serve the call. */
  isLast: boolean;
  /** Not a provider's matter. */
  along: Along;
  /** Written by `Connection.request`: the names of what it has left out, as the client is told them; "" where that is nothing. */
  dropped: string;
  /** Written by `Connection.request`: what its model was known to take then. A refusal that is no news to its connection any more is worth another try. */
  takes?: object | undefined;
  /** Written by `Connection.request`: the upstream goes on with the answer when the call has ended. */
  goesOn: boolean;
}

export interface ReportedUsage extends Usage {
  /** Something was reported that is no number of tokens, and is not counted. */
  isOdd?: boolean;
  /** The cloud's own guardrail has blocked or changed the answer; set before that text of it is returned. */
  isGuarded?: boolean;
}

/** Turns an upstream's 200 answer into the dialect's text. One per call; pure: bytes in, text out. */
export interface Reader {
  /** Takes body bytes as they come, cut anywhere; returns the text that can be relayed now (whole events only), or "". Never throws: see `error`. */
  push(bytes: Uint8Array): ByteText;
  /** The upstream has ended: the rest of the text. Sets `error` where the answer was not complete. For a call that does not stream this is the whole answer. */
  end(): ByteText;
  /** Set where the answer went wrong; text returned before it is good and goes first. Nothing may be pushed after. */
  readonly error: GatewayError | undefined;
  /** True once the answer is complete in its own terms (`message_stop`, `[DONE]`); the connection may linger. */
  readonly complete: boolean;
  /** What the upstream has reported so far. */
  readonly usage: ReportedUsage;
  /** Bytes of the model's own text so far, roughly: what is counted of a stream that breaks off before its upstream has reported. */
  readonly written: number;
  /** The id of an answer that its upstream has not finished, "" of one that it has; left out by readers of answers that end with their call. */
  readonly unfinished?: string;
  /** Bytes that it keeps because they are no whole event, or no whole answer, yet. */
  readonly held: number;
}

/** Of whom something is learned: a target. */
export type Pupil<Takes extends Accepts = Accepts> = Pick<Job<Takes>, "upstreamModel" | "accepts">;

/** What a refusal has taught. */
export interface Lesson {
  /** For the log, with what to write into the configuration; "" where it was learned while the call was on its way, and there is nothing to tell. */
  line: string;
  /** For the same connection in other workers: see `Connection.taught`. */
  taught: string;
}

/** One upstream, opened: holds its origin, its credentials and whatever it caches (signing keys, tokens). */
export interface Connection {
  /** Where its requests go. */
  readonly origin: Origin;
  /**
   * The HTTP request of a call.
   * @throws GatewayError `invalid_request` for what this upstream cannot do (an operation among it), `misconfigured` for credentials that cannot be had.
   */
  request(job: Job): HttpRequest | Promise<HttpRequest>;
  /** For an answer with status 200. */
  reader(job: Job, headers: HttpHeaders): Reader;
  /** For any other status; `body` is at most 64 KiB of the answer. */
  failure(job: Job, status: number, headers: HttpHeaders, body: ByteText): GatewayError;
  /**
   * What such an answer teaches of the job's target: then `request` makes another request of the job, which is worth one more try. Undefined where
   * it teaches nothing.
   */
  lesson?(job: Job, status: number, body: ByteText): Lesson | undefined;
  /** Learns what another worker was taught of a target, for so long. Never throws: what cannot be read teaches nothing. */
  taught?(pupil: Pupil, taught: string, forMs: number): void;
  /** The upstream's own id of the call, as it said it. */
  upstreamRequestId(headers: HttpHeaders): string;
  /** Credentials that are in no configuration, and that calls were sent with lately. */
  fetchedSecrets?(): readonly string[];
}

/** The members are methods, so that a provider with a type of its own is one of all: it is given what its half in `src/providers` has made. */
export interface Provider<Settings extends object = object> {
  /** @throws Error where its settings are no use. */
  open(upstream: Upstream<Settings>): Connection;
  /** The configured values that must not come back out of the upstream, whole or in part: keys, secrets, tokens. */
  secrets(settings: Settings): readonly string[];
}
