/** An HTTP/1.1 server over any kind of sockets (see `Wire`). A listener gives it each client's wire, and calls it when something happens on that wire. */

import { Buffer } from "node:buffer";
import type { Clocks } from "../contract/config.ts";
import { INTERNAL_MESSAGE } from "../contract/errors.ts";
import { type Answered, type Asked, type Flaw, Reply, ReplyHeaders } from "../contract/http.ts";
import { Clock } from "./clock.ts";
import { Connection, type Home } from "./connection.ts";
import type { Incoming } from "./incoming.ts";
import type { Streamed } from "./streamed.ts";
import { sendResponse } from "./web.ts";
import type { Wire } from "./wire.ts";
import { plainError, refusalOf } from "./written.ts";

export interface ServerOptions {
  clocks: Clocks;
  maxConnections: number;
  handle(asked: Asked): Answered | Promise<Answered>;
  /** Answers, in place of `handle`, a request that can be read but must not be served. */
  refuse(asked: Asked, flaw: Flaw): Answered | Promise<Answered>;
  /** Gets what `handle` or `refuse` has thrown: a fault in Weir. The client gets a bare 500. */
  onFault(thrown: unknown): void;
}

const FULL: Flaw = { status: 503, message: "As many clients are connected as there may be at a time. Please try again." };

export class HttpServer implements Home {
  readonly clock = new Clock();
  readonly clocks: Clocks;
  isClosing = false;
  isRetiring = false;
  readonly #options: ServerOptions;
  #count = 0;
  #toFlush: Streamed[] = [];
  #whenEmpty: (() => void)[] = [];
  readonly #flush = (): void => {
    const due = this.#toFlush;
    this.#toFlush = [];
    for (const streamed of due) {
      try {
        streamed.flush();
      } catch (thrown) {
        this.#options.onFault(thrown);
      }
    }
  };

  constructor(options: ServerOptions) {
    this.#options = options;
    this.clocks = options.clocks;
  }

  /** Number of open connections. */
  get count(): number {
    return this.#count;
  }

  /** Whether `maxConnections` are open. */
  get isFull(): boolean {
    return this.#count >= this.#options.maxConnections;
  }

  /** A client has connected. Undefined where there is no room: the client has got a refusal, and its wire is closed. */
  accept(wire: Wire): Connection | undefined {
    if (this.isFull) {
      const text = refusalOf(FULL, this.clock.date, false, "retry-after: 1\r\n");
      wire.write(Buffer.from(text), 0, text.length);
      wire.end();
      return undefined;
    }
    this.#count++;
    return new Connection(this, wire);
  }

  /** From now on every connection closes after its answer. New clients are accepted, and connections without a request stay open, so that no request is lost. */
  retire(): void {
    this.isRetiring = true;
  }

  /** As `retire`; connections without a request close at once. */
  close(): void {
    this.isRetiring = true;
    this.isClosing = true;
    for (const connection of [...this.clock]) (connection as Connection).endSoon();
  }

  /** Resolves when no connection is left. */
  empty(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Called by a connection. */
  serve(incoming: Incoming, connection: Connection): void {
    let answered: Answered | Promise<Answered>;
    try {
      answered = this.#options.handle(incoming);
    } catch (thrown) {
      answered = this.#fault(thrown);
    }
    this.#answer(incoming, connection, answered);
  }

  /** Called by a connection. */
  refuse(incoming: Incoming, flaw: Flaw, connection: Connection): void {
    let answered: Answered | Promise<Answered>;
    try {
      answered = this.#options.refuse(incoming, flaw);
    } catch (thrown) {
      answered = this.#fault(thrown);
    }
    this.#answer(incoming, connection, answered);
  }

  /** Called by a connection. */
  flushLater(streamed: Streamed): void {
    if (this.#toFlush.length === 0) queueMicrotask(this.#flush);
    this.#toFlush.push(streamed);
  }

  /** Called by a connection. */
  gone(_connection: Connection): void {
    this.#count--;
    if (this.#count > 0) return;
    const waiting = this.#whenEmpty;
    this.#whenEmpty = [];
    for (const resolve of waiting) resolve();
  }

  #answer(incoming: Incoming, connection: Connection, answered: Answered | Promise<Answered>): void {
    if (answered instanceof Reply) connection.answer(incoming, answered);
    else if (answered instanceof Response) this.#answerByWeb(incoming, connection, answered);
    else
      answered.then(
        (answer) => {
          if (answer instanceof Reply) connection.answer(incoming, answer);
          else this.#answerByWeb(incoming, connection, answer);
        },
        (thrown) => connection.answer(incoming, this.#fault(thrown)),
      );
  }

  #answerByWeb(incoming: Incoming, connection: Connection, response: Response): void {
    sendResponse(response, incoming, connection).catch((thrown) => {
      // Not if its answer has begun: then `answer` drops this one.
      connection.answer(incoming, this.#fault(thrown));
    });
  }

  #fault(thrown: unknown): Reply {
    this.#options.onFault(thrown);
    const body = plainError("api_error", INTERNAL_MESSAGE);
    return new Reply(500, new ReplyHeaders({ "content-type": "application/json" }), body);
  }
}
