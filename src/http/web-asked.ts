import type { Asked, Body, BodyReceiver } from "../contract/http.ts";
import { pathOf, queryOf } from "./target.ts";

/** A `Request` of the web platform as an `Asked`. */
export class WebAsked implements Asked {
  readonly request: Request;
  readonly address: string;
  readonly method: string;
  readonly url: string;
  readonly isFirst = false;

  constructor(request: Request, address: string) {
    this.request = request;
    this.address = address;
    this.method = request.method;
    this.url = pathOf(request.url) + queryOf(request.url);
  }

  get headers(): Headers {
    return this.request.headers;
  }

  get onLeft(): (() => void) | undefined {
    return undefined;
  }

  /** Some runtimes fire the signal after a good answer too; the handler has ended by then. */
  set onLeft(left: (() => void) | undefined) {
    this.request.signal.onabort = left === undefined ? null : () => left();
  }

  takeBody(): Body | undefined {
    return this.request.body === null ? "" : undefined;
  }

  read(receiver: BodyReceiver): void {
    this.#pump(receiver).then(
      () => receiver.end(),
      () => receiver.broken({ reason: "left", text: "The request broke off before its body was complete." }),
    );
  }

  async #pump(receiver: BodyReceiver): Promise<void> {
    const { body, headers } = this.request;
    // The runtime gathers a body of known length itself, which is cheaper.
    if (headers.get("content-length") !== null) receiver.piece(new Uint8Array(await this.request.arrayBuffer()));
    // Leaving the loop cancels the stream: nothing more is read.
    else if (body !== null) for await (const piece of body) if (!receiver.piece(piece)) break;
  }
}
