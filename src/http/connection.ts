/**
 * One client's connection: requests are read and answered one after the other, and what comes in the meantime waits.
 * Its wire, the clock and the handler of a request call it; each of these calls may happen during another one.
 */
import { Buffer } from "node:buffer";
import { asBuffer, type ByteText } from "../contract/bytes.ts";
import type { Clocks } from "../contract/config.ts";
import { type Body, type Flaw, MOST_TEXT_BYTES, type Reply } from "../contract/http.ts";
import type { OutgoingStream } from "../contract/stream.ts";
import type { Clock, Timed } from "./clock.ts";
import { Head } from "./head.ts";
import { Incoming, type IncomingOwner } from "./incoming.ts";
import { BodyReader, HeadReader } from "./message.ts";
import { Outlet } from "./outlet.ts";
import { Streamed, type StreamedHome } from "./streamed.ts";
import { LARGE_READ_BYTES, type Upload, uploads } from "./uploads.ts";
import type { Wire } from "./wire.ts";
import { CONTINUE, headOf, isBodyless, refusalOf } from "./written.ts";

/**
 * Whose turn it is: the client sends a request's head, sends its body, waits for the answer (an upstream may think for minutes), reads the answer, and is
 * idle until its next request. Each turn but `waiting` has a clock.
 */
type Turn = "head" | "sending" | "waiting" | "reading" | "idle";

/** What a connection needs from its server. */
export interface Home {
  readonly clock: Clock;
  readonly clocks: Clocks;
  /** No connection is kept open after its answer any more. */
  readonly isRetiring: boolean;
  /** A connection without a request is not kept open either. */
  readonly isClosing: boolean;
  /** Starts the handler of the request, which answers now or later by `Connection.answer`. */
  serve(incoming: Incoming, connection: Connection): void;
  /** Starts the refusal of the request; it answers as in `serve`. */
  refuse(incoming: Incoming, flaw: Flaw, connection: Connection): void;
  /** Makes the server call `Streamed.flush` at the end of the turn. */
  flushLater(streamed: Streamed): void;
  gone(connection: Connection): void;
}

/** Bytes of a body that wait here while the handler has not asked for the body; beyond this the client has to wait. */
const MOST_WAITING_BYTES = MOST_TEXT_BYTES;
/** Bytes of later requests that wait here while an earlier one is answered; beyond this the client has to wait. */
const MOST_KEPT_BYTES = MOST_TEXT_BYTES;
/** Requests of one client that are begun in one turn of the event loop; then the other clients have their turn. */
const MOST_IN_A_TURN = 16;
/** Bytes of an unwanted body that are read to its end, so that the connection can be used for the next request. */
const MOST_DISCARDED_BYTES = 256 * 1024;
/** How long a client may go on sending after its last answer. If the socket were closed at once, the client could lose the answer. */
const LINGER_MS = 5_000;

const PHASE = {
  /** Waits for a head, or has a part of it. */
  head: 0,
  /** A request has no answer yet. */
  open: 1,
  /** The answer has begun. */
  answered: 2,
  /** This side has ended; what the client still sends is thrown away. */
  lingering: 3,
  closed: 4,
} as const;

export class Connection implements StreamedHome, IncomingOwner, Timed, Upload {
  part = 0;
  readonly #home: Home;
  #wire: Wire | undefined;
  #phase: number = PHASE.head;
  #turn: Turn = "head";
  /** When the phase began, or when something last happened in it. */
  #sinceMs: number;
  readonly #heads = new HeadReader();
  readonly #bodies = new BodyReader();
  #incoming: Incoming | undefined;
  /** The bytes that are being read, and the position in them. */
  #bytes: Buffer | undefined;
  #at = 0;
  /** Bytes that came before they could be read. */
  #kept: Buffer | undefined;
  #isPaused = false;
  /** It has carried no request yet. */
  #isNew = true;
  /** Its client is read from when its turn comes: see `Uploads`. */
  #isInLine = false;
  /** Large reads of the present body so far. */
  #largeReads = 0;
  /** The connection ends after this answer. */
  #isLast = false;
  /** The bytes that follow cannot be understood: the protocol was broken. */
  #isLost = false;
  readonly #outlet: Outlet;
  /** The streamed answer that is being written; undefined where there is none. */
  #streamed: Streamed | undefined;
  readonly #again = (): void => this.#goOn();
  readonly #onPiece = (bytes: Buffer): void => this.#incoming?.piece(bytes);

  constructor(home: Home, wire: Wire) {
    this.#home = home;
    this.#wire = wire;
    this.#outlet = new Outlet(wire);
    this.#sinceMs = home.clock.nowMs;
    home.clock.add(this);
  }

  get address(): string {
    return this.#wire?.remoteAddress ?? "unknown";
  }

  /** No request is being read or answered. */
  get isIdle(): boolean {
    return this.#phase === PHASE.head && !this.#heads.begun && this.#kept === undefined;
  }

  // --- called by the wire

  /** Bytes from the client. The view is valid only during the call. */
  received(bytes: Uint8Array): void {
    if (this.#phase >= PHASE.lingering) return;
    const buffer = asBuffer(bytes);
    // An answer is not complete, or another call of this method is still running.
    if (this.#kept !== undefined || this.#bytes !== undefined || (this.#phase !== PHASE.head && this.#bodies.done)) this.#keep(buffer, 0);
    else this.#read(buffer);
  }

  drained(): void {
    if (this.#outlet.isEmpty) return;
    if (this.#outlet.again()) this.#sinceMs = this.#home.clock.nowMs;
    if (!this.#outlet.isEmpty) return;
    if (this.#streamed === undefined) this.#settle();
    else {
      this.#turnIs("waiting");
      this.#streamed.drained();
    }
  }

  /** The client has ended its side. While an answer is awaited this means that the client has gone. */
  ended(): void {
    this.#isLast = true;
    // An answer that is complete is still sent.
    if (this.#phase === PHASE.answered && this.#streamed === undefined && !this.#outlet.isEmpty) return;
    this.#close();
  }

  closed(): void {
    this.#wire = undefined;
    this.#leave();
  }

  // --- called by the clock

  check(nowMs: number): void {
    const { headMs, sendingMs, readingMs, idleMs } = this.#home.clocks;
    const silentMs = nowMs - this.#sinceMs;
    if (this.#phase === PHASE.lingering) {
      if (silentMs >= LINGER_MS) this.#close();
      return;
    }
    switch (this.#turn) {
      case "idle":
        if (silentMs >= idleMs) this.#close();
        return;
      case "head":
        if (silentMs >= headMs) this.#headIsLate();
        return;
      case "sending":
        if (silentMs >= sendingMs) this.#bodyIsLate();
        return;
      case "reading":
        if (silentMs >= readingMs) this.#cut();
        return;
      default:
        return;
    }
  }

  #headIsLate(): void {
    // A client that has not sent a byte has not asked for anything: it gets no answer.
    if (!this.#heads.begun) this.#close();
    else this.#refuseUnread({ status: 408, message: "The head of the request took too long to arrive." });
  }

  #bodyIsLate(): void {
    this.#isLast = true;
    if (this.#phase === PHASE.answered) this.#linger();
    else if (this.#incoming?.isRead === true) {
      this.#turnIs("waiting");
      this.#incoming.broken({
        reason: "silent",
        text: "The request's body took too long to arrive: the connection is slow, or not all of it was sent.",
      });
    }
  }

  // --- called by the request

  takeWhole(incoming: Incoming): Body | undefined {
    const { left } = this.#bodies;
    const bytes = this.#bytes;
    if (incoming !== this.#incoming || incoming.waiting > 0 || left === undefined || bytes === undefined) return undefined;
    const from = this.#at;
    if (bytes.length - from < left) return undefined;
    this.#at += left;
    this.#bodies.skip();
    this.#turnIs("waiting");
    incoming.end();
    return left <= MOST_TEXT_BYTES ? bytes.toString("latin1", from, this.#at) : new Uint8Array(bytes.subarray(from, this.#at));
  }

  wanted(incoming: Incoming): void {
    if (incoming !== this.#incoming) return;
    if (this.#isPaused) this.#unpause();
    const { head } = incoming;
    if (!head.expectsContinue) return;
    head.expectsContinue = false;
    if (incoming.waiting === 0 && (this.#bytes === undefined || this.#at === this.#bytes.length)) this.#outlet.write(CONTINUE);
  }

  // --- called by the handler and by its stream

  /** Answers the request. The answer to a request that is already over is dropped. */
  answer(incoming: Incoming, reply: Reply): void {
    const { body } = reply;
    if (incoming !== this.#incoming || this.#phase !== PHASE.open) {
      if (typeof body !== "string") body.left();
      return;
    }
    const { head } = incoming;
    const { status, headers } = reply;
    // A client of HTTP/1.0 knows no chunks: for it, a stream of unknown length ends with the connection.
    const isEndless = head.minor === 0 && typeof body !== "string" && !headers.has("content-length");
    this.#phase = PHASE.answered;
    this.#incoming = undefined;
    this.#isLast ||=
      isEndless || !head.persistent || this.#home.isRetiring || !this.#canGoOn(head) || headers.get("connection") === "close";
    const text = headOf(reply, this.#home.clock.date, this.#isLast, head.minor);
    const isBare = head.method === "HEAD" || isBodyless(status);
    if (typeof body === "string") this.#outlet.writeTwo(text, isBare ? "" : body);
    else if (isBare) this.#outlet.write(text);
    else this.#stream(text, body, isEndless || headers.has("content-length"));
    this.#settle();
    if (isBare && typeof body !== "string") body.left();
  }

  #stream(head: ByteText, body: OutgoingStream, isRaw: boolean): void {
    const streamed = new Streamed(this, body, isRaw);
    const early = streamed.begin();
    this.#outlet.writeTwo(head, early);
    if (streamed.isOver) return;
    this.#streamed = streamed;
    this.#awaitClient();
    if (this.#outlet.isEmpty) streamed.drained();
  }

  /** Called by a stream: whether the client has taken all that was written. */
  get hasRoom(): boolean {
    return this.#outlet.isEmpty;
  }

  /** Called by a stream: asks for a flush at the end of the turn. */
  flushLater(streamed: Streamed): void {
    if (streamed === this.#streamed) this.#home.flushLater(streamed);
  }

  /** Called by a stream: writes more of its body. */
  send(streamed: Streamed, text: ByteText, isEnd: boolean): void {
    if (streamed !== this.#streamed) return;
    if (isEnd) this.#streamed = undefined;
    this.#outlet.write(text);
    if (isEnd) this.#settle();
    else this.#awaitClient();
  }

  /** Called by a stream: its end is missing, so the connection is cut. */
  breakOff(streamed: Streamed): void {
    if (streamed !== this.#streamed) return;
    this.#streamed = undefined;
    this.#cut();
  }

  /** In the middle of a stream: where the client has not taken all bytes, its time to do so begins. */
  #awaitClient(): void {
    if (this.#outlet.isEmpty === (this.#turn === "reading")) this.#turnIs(this.#outlet.isEmpty ? "waiting" : "reading");
  }

  // --- called by the server

  /** Serves nothing more: closes at once where no request is under way, else after the answer. */
  endSoon(): void {
    if (this.isIdle) this.#close();
  }

  // --- reading

  #read(bytes: Buffer): void {
    this.#bytes = bytes;
    this.#at = 0;
    for (let begun = 0; this.#at < bytes.length; ) {
      if (this.#phase === PHASE.head) {
        if (begun++ === MOST_IN_A_TURN) {
          this.#keep(bytes, this.#at);
          this.#bytes = undefined;
          setImmediate(this.#again);
          return;
        }
        this.#readHead(bytes);
      } else if (this.#phase >= PHASE.lingering) break;
      else if (this.#bodies.done) {
        this.#keep(bytes, this.#at);
        break;
      } else this.#readBody(bytes);
    }
    this.#bytes = undefined;
    this.#goOn();
  }

  /** Reads the bytes that have waited, if their turn has come. */
  #goOn(): void {
    const kept = this.#kept;
    const isWanted = this.#phase === PHASE.head || (this.#phase < PHASE.lingering && !this.#bodies.done);
    if (isWanted && kept !== undefined) {
      this.#kept = undefined;
      this.#read(kept);
    } else if (this.#phase === PHASE.head) {
      this.#unpause();
      if (this.#home.isClosing) this.endSoon();
    }
  }

  #readHead(bytes: Buffer): void {
    if (!this.#heads.begun && this.#turn === "idle") this.#turnIs("head");
    const read = this.#heads.push(bytes, this.#at);
    this.#at += this.#heads.used;
    if (read === undefined) return;
    if (!(read instanceof Head)) {
      this.#refuseUnread(read);
      return;
    }
    const incoming = new Incoming(this, read, this.#isNew);
    this.#isNew = false;
    this.#incoming = incoming;
    this.#phase = PHASE.open;
    this.#bodies.begin(read);
    if (this.#bodies.done) incoming.end();
    this.#turnIs(this.#bodies.done ? "waiting" : "sending");
    if (read.flaw === undefined) this.#home.serve(incoming, this);
    else {
      this.#isLast = true;
      this.#home.refuse(incoming, read.flaw, this);
    }
  }

  #readBody(bytes: Buffer): void {
    this.#sinceMs = this.#home.clock.nowMs;
    this.#at = this.#bodies.push(bytes, this.#at, this.#onPiece);
    const incoming = this.#incoming;
    if (this.#bodies.done) {
      this.#largeReads = 0;
      if (this.#turn === "sending") this.#turnIs("waiting");
      incoming?.end();
      // No handler asked for the body, and all of it has come.
      this.#settle();
    } else if (this.#bodies.flaw !== undefined) {
      this.#isLast = true;
      this.#at = bytes.length;
      if (this.#phase === PHASE.answered) this.#settle();
      else incoming?.broken({ reason: "malformed", text: this.#bodies.flaw.message });
    } else {
      if (incoming !== undefined && !incoming.isRead && incoming.waiting > MOST_WAITING_BYTES) this.#pause();
      if (bytes.length >= LARGE_READ_BYTES && !this.#isInLine) {
        this.#isInLine = true;
        this.#largeReads += 1;
        this.#wire?.pause();
        uploads.add(this, this.#largeReads);
      }
    }
  }

  // --- of the line of uploads

  readOn(): void {
    this.#isInLine = false;
    if (!this.#isPaused) this.#wire?.resume();
  }

  #keep(bytes: Buffer, from: number): void {
    const more = bytes.subarray(from);
    this.#kept = this.#kept === undefined ? Buffer.from(more) : Buffer.concat([this.#kept, more]);
    if (this.#kept.length > MOST_KEPT_BYTES) this.#pause();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#wire?.pause();
  }

  #unpause(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (!this.#isInLine) this.#wire?.resume();
  }

  /** Answers bytes from which no request could be read, and closes. */
  #refuseUnread(flaw: Flaw): void {
    this.#phase = PHASE.answered;
    this.#isLast = true;
    this.#isLost = true;
    this.#outlet.write(refusalOf(flaw, this.#home.clock.date, this.#heads.isHead));
    this.#settle();
  }

  // --- the end of an exchange, and of all

  /** Whether the beginning of the client's next request can be found. */
  #canGoOn(head: Head): boolean {
    const { left } = this.#bodies;
    // A client that waits for "100 Continue" may send the body after all, or not.
    return left !== undefined && (left === 0 || (left <= MOST_DISCARDED_BYTES && !head.expectsContinue));
  }

  /** The answer is complete. Reads the next request where the client took the whole answer and sent its whole request. */
  #settle(): void {
    if (this.#phase !== PHASE.answered || this.#streamed !== undefined) return;
    if (!this.#outlet.isEmpty) {
      this.#turnIs("reading");
      return;
    }
    if (this.#isLast) {
      this.#endThisSide();
      return;
    }
    if (!this.#bodies.done) {
      this.#turnIs("sending");
      this.#unpause();
      return;
    }
    this.#phase = PHASE.head;
    this.#turnIs("idle");
    // Otherwise the loop that called this goes on by itself.
    if (this.#bytes === undefined) this.#goOn();
  }

  #endThisSide(): void {
    // When nothing more can come, the connection need not wait.
    const isQuiet = this.#bodies.done && this.#kept === undefined && (this.#bytes === undefined || this.#at === this.#bytes.length);
    if (isQuiet && !this.#isLost) this.#close();
    else this.#linger();
  }

  #linger(): void {
    if (this.#phase >= PHASE.lingering) return;
    this.#phase = PHASE.lingering;
    this.#sinceMs = this.#home.clock.nowMs;
    this.#kept = undefined;
    this.#unpause();
    this.#wire?.shutdown();
  }

  /** Closes in order: what the socket has taken is still sent. */
  #close(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.end();
    this.#leave();
  }

  /** Cuts the connection: the client takes no bytes, or must not take a cut answer for a whole one. */
  #cut(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.terminate();
    this.#leave();
  }

  /** Gives the connection back to its server: once, however the connection ends. */
  #leave(): void {
    if (this.#phase === PHASE.closed) return;
    this.#phase = PHASE.closed;
    this.#kept = undefined;
    this.#outlet.close();
    this.#home.clock.remove(this);
    this.#home.gone(this);
    const incoming = this.#incoming;
    const streamed = this.#streamed;
    this.#incoming = undefined;
    this.#streamed = undefined;
    incoming?.left();
    streamed?.left();
  }

  #turnIs(turn: Turn): void {
    this.#turn = turn;
    this.#sinceMs = this.#home.clock.nowMs;
  }
}
