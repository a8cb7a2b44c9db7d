/** Sends one input to a gateway, over a new connection. */
import { connect, type Socket } from "node:net";
import { type Answer, readAnswers } from "./answers.ts";
import type { Input } from "./inputs.ts";

export interface Met {
  answers: Answer[];
  /** What came after the last answer, or in place of one. */
  rest: Buffer;
  flaw: string | undefined;
  /** How it ended: the server closed, the client had what it wanted or went, or nothing came for too long. */
  ending: "closed" | "satisfied" | "left" | "hung";
  /** What was answered to the request that came after it on the same connection. */
  next: Answer[];
}

/** Asked on a connection that is kept: its answer cannot be confused with any other. */
const NEXT = "GET /healthz HTTP/1.1\r\nhost: weir.test\r\nconnection: close\r\n\r\n";

export interface Patience {
  /** An answer takes at most so long. */
  answerMs: number;
  /** So long the client waits for an answer to a request that is not whole, before it says that nothing more comes. */
  doubtfulMs: number;
}

export function exchange(port: number, input: Input, patience: Patience): Promise<Met> {
  return new Promise((resolve) => new Exchange(port, input, patience, resolve));
}

class Exchange {
  readonly #input: Input;
  readonly #patience: Patience;
  readonly #resolve: (met: Met) => void;
  readonly #socket: Socket;
  readonly #hanging: ReturnType<typeof setTimeout>;
  #doubtful: ReturnType<typeof setTimeout> | undefined;
  /** Bytes of the answers that are not read yet. */
  #parts: Buffer[] = [];
  #first: Answer | undefined;
  #isSent = false;
  #isOver = false;

  constructor(port: number, input: Input, patience: Patience, resolve: (met: Met) => void) {
    this.#input = input;
    this.#patience = patience;
    this.#resolve = resolve;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    this.#hanging = setTimeout(() => this.#finish("hung"), patience.answerMs);
    this.#socket.on("connect", () => this.#send(0));
    this.#socket.on("data", (bytes: Buffer) => {
      this.#parts.push(bytes);
      this.#look();
    });
    for (const event of ["end", "close", "error"]) this.#socket.on(event, () => this.#finish("closed"));
  }

  #send(at: number): void {
    if (this.#isOver) return;
    const packet = this.#input.packets[at];
    if (packet === undefined) {
      this.#sent();
      return;
    }
    this.#socket.write(packet);
    const next = () => this.#send(at + 1);
    if (at + 1 === this.#input.packets.length) next();
    else if (this.#input.pauseMs > 0) setTimeout(next, this.#input.pauseMs);
    else setImmediate(next);
  }

  #sent(): void {
    this.#isSent = true;
    const { afterwards } = this.#input;
    // What was written goes out first: a reset would discard it.
    if (afterwards === "leave") return void setImmediate(() => this.#finish("left"));
    if (afterwards === "end") this.#doubtful = setTimeout(() => this.#socket.end(), this.#patience.doubtfulMs);
    this.#look();
  }

  #read(isOver: boolean) {
    // A reader that cannot read a request does not know its method either.
    const isHead = this.#input.method === "HEAD" && this.#input.isSound && this.#first === undefined;
    return readAnswers(Buffer.concat(this.#parts), isOver, isHead);
  }

  #look(): void {
    const { answers, rest, flaw } = this.#read(false);
    const [own] = answers;
    if (flaw !== undefined) this.#finish("satisfied");
    if (own?.isWhole !== true || !this.#isSent) return;
    // After a doubtful request a second answer is waited for until the connection is over: a reader that counts the length in another way gives one.
    if (this.#first === undefined && this.#input.afterwards === "end") return;
    if (this.#first !== undefined || !this.#input.isKept || own.closes || answers.length > 1 || rest.length > 0) {
      this.#finish("satisfied");
      return;
    }
    this.#first = own;
    this.#parts = [];
    this.#socket.write(NEXT);
  }

  #finish(ending: Met["ending"]): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#hanging);
    clearTimeout(this.#doubtful);
    this.#socket.destroy();
    const { answers, rest, flaw } = this.#read(ending === "closed");
    const isSecond = this.#first !== undefined;
    this.#resolve({ answers: this.#first === undefined ? answers : [this.#first], rest, flaw, ending, next: isSecond ? answers : [] });
  }
}
