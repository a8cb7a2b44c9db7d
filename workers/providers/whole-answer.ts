/** The reader of a call that does not stream: the body as one bounded text, read once at its end. */
import { type ByteText, toByteText } from "../../src/contract/bytes.ts";
import { type FailureDetail, GatewayError } from "../../src/contract/errors.ts";
import { noUsage } from "../../src/contract/usage.ts";
import { outline } from "./outline.ts";
import type { Reader, ReportedUsage } from "./provider.ts";

/** Most bytes of an answer: embeddings of two thousand texts, pictures in base64. */
const MOST_BYTES = 64 * 1024 * 1024;

/** A whole answer with the report of a failure in it: the client gets the answer's text, and the call counts as failed. */
interface FailedAnswer {
  text: ByteText;
  error: GatewayError;
}

/** Reads an answer, parsed by `outline`, and returns the text for the client, or an error. */
export type AnswerReading = (
  answer: Record<string, unknown>,
  text: ByteText,
  usage: ReportedUsage,
) => ByteText | GatewayError | FailedAnswer;

/** An answer that breaks the upstream's own protocol. `log` says how. */
export function malformed(upstream: string, log: string): GatewayError {
  const detail: FailureDetail = {
    message: "The model's service sent an answer that cannot be read.",
    log: `upstream "${upstream}": ${log}`,
  };
  return new GatewayError("upstream_malformed", detail);
}

/**
 * Most bytes in a row without an event for the client: comments, blank lines, events that are left out. Such bytes have no other bound: the client gets
 * none of them, so a slow client does not slow the upstream down.
 */
const MOST_IDLE_BYTES = 256 * 1024;

/** Counts bytes in a row without an event for the client. */
export class IdleTalk {
  #bytes = 0;

  /** Adds bytes without an event for the client; 0 after an event for it. False where there are too many. */
  add(bytes: number): boolean {
    this.#bytes = bytes === 0 ? 0 : this.#bytes + bytes;
    return this.#bytes <= MOST_IDLE_BYTES;
  }
}

export interface WholeAnswerOptions {
  mostBytes?: number;
  /** False where the answer is no text of a model: then nothing is counted for an answer that breaks off. */
  isText?: boolean;
}

export class WholeAnswer implements Reader {
  readonly usage: ReportedUsage = noUsage();
  readonly #upstream: string;
  readonly #read: AnswerReading;
  readonly #mostBytes: number;
  readonly #isText: boolean;
  #parts: ByteText[] = [];
  #length = 0;
  #error: GatewayError | undefined;
  #complete = false;

  constructor(upstream: string, read: AnswerReading, { mostBytes = MOST_BYTES, isText = true }: WholeAnswerOptions = {}) {
    this.#upstream = upstream;
    this.#read = read;
    this.#mostBytes = mostBytes;
    this.#isText = isText;
  }

  get error(): GatewayError | undefined {
    return this.#error;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** All bytes so far: which of them are the model's text is not known before the end. */
  get written(): number {
    return this.#isText ? this.#length : 0;
  }

  get held(): number {
    return this.#parts.length === 0 ? 0 : this.#length;
  }

  push(bytes: Uint8Array): ByteText {
    if (this.#error !== undefined) return "";
    this.#length += bytes.length;
    if (this.#length <= this.#mostBytes) this.#parts.push(toByteText(bytes));
    else {
      this.#parts = [];
      this.#error = malformed(this.#upstream, `an answer of more than ${this.#mostBytes} bytes`);
    }
    return "";
  }

  end(): ByteText {
    if (this.#error !== undefined) return "";
    const text = this.#parts.join("");
    this.#parts = [];
    const answer = outline(text);
    const result =
      answer === undefined ? malformed(this.#upstream, "the answer is not a JSON object") : this.#read(answer, text, this.usage);
    if (result instanceof GatewayError) {
      this.#error = result;
      return "";
    }
    this.#complete = true;
    if (typeof result === "string") return result;
    this.#error = result.error;
    // None of it is the model's text.
    this.#length = 0;
    return result.text;
  }
}
