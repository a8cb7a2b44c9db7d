/** The Reader of a call that does not stream: the body as one text, bounded, and read once at its end. */
import { type ByteText, toByteText } from "../../src/contract/bytes.ts";
import { type FailureDetail, GatewayError } from "../../src/contract/errors.ts";
import { noUsage } from "../../src/contract/usage.ts";
import { asObject } from "./failure.ts";
import type { Reader, ReportedUsage } from "./provider.ts";

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Takes what is needed from a parsed answer (strings in it are byte text) and returns the text for the client, or why it is none. */
export type AnswerReading = (answer: Record<string, unknown>, text: ByteText, usage: ReportedUsage) => ByteText | GatewayError;

/** An answer that breaks the upstream's own protocol. `log` says how. */
export function malformed(upstream: string, log: string): GatewayError {
  const detail: FailureDetail = {
    message: "The model's service sent an answer that cannot be read.",
    log: `upstream "${upstream}": ${log}`,
  };
  return new GatewayError("upstream_malformed", detail);
}

export class WholeAnswer implements Reader {
  readonly usage: ReportedUsage = noUsage();
  readonly #upstream: string;
  readonly #read: AnswerReading;
  #parts: ByteText[] = [];
  #length = 0;
  #error: GatewayError | undefined;
  #complete = false;

  constructor(upstream: string, read: AnswerReading) {
    this.#upstream = upstream;
    this.#read = read;
  }

  get error(): GatewayError | undefined {
    return this.#error;
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** All that has come: what of it is the model's text is not known before the end. */
  get written(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): ByteText {
    if (this.#error !== undefined) return "";
    this.#length += bytes.length;
    if (this.#length <= MAX_ANSWER_BYTES) this.#parts.push(toByteText(bytes));
    else {
      this.#parts = [];
      this.#error = malformed(this.#upstream, `an answer of more than ${MAX_ANSWER_BYTES} bytes`);
    }
    return "";
  }

  end(): ByteText {
    if (this.#error !== undefined) return "";
    const text = this.#parts.join("");
    this.#parts = [];
    const answer = parse(text);
    const result =
      answer === undefined ? malformed(this.#upstream, "the answer is not a JSON object") : this.#read(answer, text, this.usage);
    if (typeof result !== "string") {
      this.#error = result;
      return "";
    }
    this.#complete = true;
    return result;
  }
}

function parse(text: ByteText): Record<string, unknown> | undefined {
  try {
    return asObject(JSON.parse(text));
  } catch {
    return undefined;
  }
}
