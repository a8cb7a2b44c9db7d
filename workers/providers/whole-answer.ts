/** The Reader of a call that does not stream: the body as one text, bounded, and read once at its end. */
import { type ByteText, toByteText } from "../../src/contract/bytes.ts";
import { type FailureDetail, GatewayError } from "../../src/contract/errors.ts";
import { noUsage } from "../../src/contract/usage.ts";
import { type Gatherer, type Gathered, gathered } from "./gathered.ts";
import { outline } from "./outline.ts";
import type { Reader, ReportedUsage } from "./provider.ts";

/** Embeddings of two thousand texts, pictures in base64. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Takes what is needed from an answer, parsed as `outline` does it, and returns the text for the client, or why it is none. */
export type AnswerReading = (answer: Record<string, unknown>, text: ByteText, usage: ReportedUsage) => ByteText | GatewayError;

/** An answer that breaks the upstream's own protocol. `log` says how. */
export function malformed(upstream: string, log: string): GatewayError {
  const detail: FailureDetail = {
    message: "The model's service sent an answer that cannot be read.",
    log: `upstream "${upstream}": ${log}`,
  };
  return new GatewayError("upstream_malformed", detail);
}

export interface WholeAnswerOptions {
  mostBytes?: number;
  /** False of an answer that is no text of a model: nothing of it is counted where it breaks off. */
  isText?: boolean;
  /** Those that it shares a bound with. */
  among?: Gathered;
}

export class WholeAnswer implements Reader, Gatherer {
  readonly usage: ReportedUsage = noUsage();
  readonly #upstream: string;
  readonly #read: AnswerReading;
  readonly #mostBytes: number;
  readonly #isText: boolean;
  readonly #among: Gathered;
  #parts: ByteText[] = [];
  #length = 0;
  #held = 0;
  #error: GatewayError | undefined;
  #complete = false;

  constructor(upstream: string, read: AnswerReading, { mostBytes = MOST_BYTES, isText = true, among = gathered }: WholeAnswerOptions = {}) {
    this.#upstream = upstream;
    this.#read = read;
    this.#mostBytes = mostBytes;
    this.#isText = isText;
    this.#among = among;
  }

  get error(): GatewayError | undefined {
    return this.#error;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** All that has come: what of it is the model's text is not known before the end. */
  get written(): number {
    return this.#isText ? this.#length : 0;
  }

  get held(): number {
    return this.#held;
  }

  push(bytes: Uint8Array): ByteText {
    if (this.#error !== undefined) return "";
    this.#length += bytes.length;
    if (this.#length > this.#mostBytes) {
      this.letGo();
      this.#error = malformed(this.#upstream, `an answer of more than ${this.#mostBytes} bytes`);
      return "";
    }
    this.#parts.push(toByteText(bytes));
    this.#held += bytes.length;
    this.#among.grown(this, bytes.length);
    return "";
  }

  end(): ByteText {
    if (this.#error !== undefined) return "";
    const text = this.#parts.join("");
    this.letGo();
    const answer = outline(text);
    const result =
      answer === undefined ? malformed(this.#upstream, "the answer is not a JSON object") : this.#read(answer, text, this.usage);
    if (typeof result !== "string") {
      this.#error = result;
      return "";
    }
    this.#complete = true;
    return result;
  }

  letGo(): void {
    this.#among.gone(this, this.#held);
    this.#parts = [];
    this.#held = 0;
  }

  /** Of those that share its bound. Its call ends when its upstream says more, or falls silent. */
  giveUp(): void {
    const megabytes = Math.round(this.#held / 1_000_000);
    this.letGo();
    this.#error = new GatewayError("overloaded", {
      message: "The answer is too large for the room that the gateway has at this moment. Please try again, or ask for less at a time.",
      log: `upstream "${this.#upstream}": an answer was given up after ${megabytes} MB: the answers on their way were too large together`,
    });
  }
}
