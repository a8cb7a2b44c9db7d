/**
 * The interface of a provider: makes a call of one dialect into a request to one kind of cloud, and the answer into text of the dialect.
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

/** One call from the front. `Takes`: what the provider's table says about a model. `Set`: the provider's controls. */
export interface Job<Takes extends Accepts = Accepts, Set extends Controls = Controls> {
  operation: CallOperation;
  /** The client's body, checked by its dialect; for a call about a kept answer, the answer's id as the client has it, and the query. */
  body: ByteText;
  /** See `Dialect.hints`. */
  hints: string;
  stream: boolean;
  /** The model's name: the client's, then the upstream's. */
  model: string;
  upstreamModel: string;
  /** See `Target.countModel`. */
  countModel: string | undefined;
  /** What the target's model takes: the same object for all calls to the target. */
  accepts: Takes;
  /** The cloud's own controls from the configuration: the same object for all calls to the target. */
  controls?: Set | undefined;
  /** The workspace. */
  owner: string;
  /** Whether no other target can serve the call. */
  isLast: boolean;
  /** Passed along for the worker; providers do not use it. */
  along: Along;
  /** Written by `Adapter.request`: the names of what was left out, as the client gets them; "" where nothing was. */
  dropped: string;
  /** Written by `Adapter.request`: what the target's model was known to take. If more is known by the time of a refusal, another try is worth it. */
  takes?: object | undefined;
  /** Written by `Adapter.request`: the upstream continues the answer after the call has ended. */
  goesOn: boolean;
}

export interface ReportedUsage extends Usage {
  /** The upstream reported a value that is no number of tokens; it is not counted. */
  isOdd?: boolean;
  /** The cloud's own guardrail has blocked or changed the answer; set before any text of that answer is returned. */
  isGuarded?: boolean;
}

/** Turns an upstream's answer with status 200 into the dialect's text. One for each call; pure: bytes in, text out. */
export interface Reader {
  /** Takes bytes of the body, cut anywhere; returns the text that can be sent on now (whole events only), or "". Never throws: see `error`. */
  push(bytes: Uint8Array): ByteText;
  /** The upstream has ended. Returns the rest of the text (without streaming, the whole answer). Sets `error` where the answer was not complete. */
  end(): ByteText;
  /** Set where the answer is wrong; text returned before it is good and is sent first. No more bytes may be pushed. */
  readonly error: GatewayError | undefined;
  /** True once the answer has its own last part (`message_stop`, `[DONE]`), even if the upstream's connection is still open. */
  readonly complete: boolean;
  /** The usage that the upstream has reported so far. */
  readonly usage: ReportedUsage;
  /** Bytes of the model's own text so far, roughly: counted where a stream breaks off before the upstream has reported its usage. */
  readonly written: number;
  /** The answer's id as long as the upstream has not finished it, then ""; left out by readers of answers that end with their call. */
  readonly unfinished?: string;
  /** Bytes that the reader holds because they are not yet a whole event or a whole answer. */
  readonly held: number;
}

/** The target that something is learned about. */
export type LessonTarget<Takes extends Accepts = Accepts> = Pick<Job<Takes>, "upstreamModel" | "accepts">;

/** What a refusal has taught. */
export interface Lesson {
  /** A line for the log, with the setting for the configuration; "" where the lesson was learned while the call was under way. */
  line: string;
  /** The lesson for the same adapter in other workers: see `Adapter.taught`. */
  taught: string;
}

/** One opened upstream: holds its origin, its credentials and its caches (signing keys, tokens). */
export interface Adapter {
  /** Where the upstream's requests go. */
  readonly origin: Origin;
  /**
   * The HTTP request of a call.
   * @throws GatewayError `invalid_request` for what this upstream cannot do (an operation included), `misconfigured` where it has no valid credentials
   */
  request(job: Job): HttpRequest | Promise<HttpRequest>;
  /** Makes the reader of an answer with status 200. */
  reader(job: Job, headers: HttpHeaders): Reader;
  /** The failure for any other status; `body`: the answer, at most 64 KiB. */
  failure(job: Job, status: number, headers: HttpHeaders, body: ByteText): GatewayError;
  /**
   * What an answer with another status teaches about the job's target. After that `request` makes a different request for the job, which is worth one
   * more try. Undefined where the answer teaches nothing.
   */
  lesson?(job: Job, status: number, body: ByteText): Lesson | undefined;
  /** Learns a lesson of another worker about a target, for `forMs` milliseconds. Never throws: a lesson that cannot be read is ignored. */
  taught?(target: LessonTarget, taught: string, forMs: number): void;
  /** The upstream's own id of the call. */
  upstreamRequestId(headers: HttpHeaders): string;
  /** Secrets that are not in the configuration and that recent calls were sent with. */
  fetchedSecrets?(): readonly string[];
}

/** The members are methods, so that a provider with its own type of settings can be used as this type: it only gets settings made by its half in `src/providers`. */
export interface Provider<Settings extends object = object> {
  /** @throws Error where the settings cannot be used */
  open(upstream: Upstream<Settings>): Adapter;
  /** The configured secrets (keys, tokens), which must not come back out of the upstream's answers, whole or in part. */
  secrets(settings: Settings): readonly string[];
}
