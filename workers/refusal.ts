import { type ByteText, toByteText } from "../src/contract/bytes.ts";
import type { HttpHeaders } from "./wire/http.ts";

/** Bytes of an error answer that are kept: enough for any cloud's error object. */
const MOST_BYTES = 64 * 1024;

/** Collects an upstream's error answer as it comes. */
export class Refusal {
  readonly status: number;
  readonly headers: HttpHeaders;
  body: ByteText = "";

  constructor(status: number, headers: HttpHeaders) {
    this.status = status;
    this.headers = headers;
  }

  /** True once whatever there is to say has been said. */
  add(bytes: Uint8Array): boolean {
    this.body += toByteText(bytes.subarray(0, MOST_BYTES - this.body.length));
    return this.body.length >= MOST_BYTES;
  }
}
