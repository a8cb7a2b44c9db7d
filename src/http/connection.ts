/**
 * One client's connection: requests are read and answered one after the other, and what comes in the meantime waits.
 * What it is told comes from its wire, from the clock and from whoever answers; each may happen inside of another.
 */
import { Buffer } from "node:buffer";
import { asBuffer, type ByteText } from "../contract/bytes.ts";
import type { Flaw } from "../contract/flaw.ts";
import { type Body, MOST_TEXT_BYTES, type Reply } from "../contract/http.ts";
import type { OutgoingStream } from "../contract/stream.ts";
import type { Clocks, Turn } from "../contract/turn.ts";
import type { Clock, Timed } from "./clock.ts";
import { Head } from "./head.ts";
import { Incoming, type IncomingOwner } from "./incoming.ts";
import { BodyReader, HeadReader } from "./message.ts";
import { Outlet } from "./outlet.ts";
import { Streamed, type StreamedHome } from "./streamed.ts";
import { LARGE_READ_BYTES, type Upload, uploads } from "./uploads.ts";
import type { Wire } from "./wire.ts";
import { CONTINUE, headOf, isBodyless, refusalOf } from "./written.ts";

/** What a connection needs of its server. */
export interface Home {
  readonly clock: Clock;
  readonly clocks: Clocks;
  /** No connection outlives its answer any more. */
  readonly isRetiring: boolean;
  /** Nor is one left open that has no request. */
  readonly isClosing: boolean;
  /** Has the request answered, now or later, by `Connection.answer`. */
  serve(incoming: Incoming, connection: Connection): void;
  /** The same with a refusal. */
  refuse(incoming: Incoming, flaw: Flaw, connection: Connection): void;
  /** Has `Streamed.flush` called at the end of the turn. */
  flushLater(streamed: Streamed): void;
  gone(connection: Connection): void;
}

/** A body that nobody has asked for waits here up to this length; then the client waits. */
const MOST_WAITING_BYTES = MOST_TEXT_BYTES;
/** The same of requests that come before it is their turn. */
const MOST_KEPT_BYTES = MOST_TEXT_BYTES;
/** So many requests of one client are begun in one turn of the event loop; then the others have theirs. */
const MOST_IN_A_TURN = 16;
/** So much of a body that nobody wants is read to its end, so that the connection can go on. */
const MOST_DISCARDED_BYTES = 256 * 1024;
/** How long a client may go on sending after its last answer. To close at once would take the answer out of its hands. */
const LINGER_MS = 5_000;

const PHASE = {
  /** A head is awaited, or has come in part. */
  head: 0,
  /** A request has no answer yet. */
  open: 1,
  /** The answer has begun. */
  answered: 2,
  /** This side has ended; what comes is not looked at. */
  lingering: 3,
  closed: 4,
} as const;

export class Connection implements StreamedHome, IncomingOwner, Timed, Upload {
  part = 0;
  readonly #home: Home;
  #wire: Wire | undefined;
  #phase: number = PHASE.head;
  #turn: Turn = "head";
  /** When the turn began, or when something happened in it. */
  #sinceMs: number;
  readonly #heads = new HeadReader();
  readonly #bodies = new BodyReader();
  #incoming: Incoming | undefined;
  /** The bytes that are being read, and how far. */
  #bytes: Buffer | undefined;
  #at = 0;
  /** What came while it was not its turn. */
  #kept: Buffer | undefined;
  #isPaused = false;
  /** It has carried no request yet. */
  #isNew = true;
  /** Its client is read from when its turn comes: see `Uploads`. */
  #isInLine = false;
  /** Of the body that comes. */
  #largeReads = 0;
  /** The connection ends with this answer. */
  #isLast = false;
  /** What comes cannot be understood any more. */
  #isLost = false;
  readonly #outlet: Outlet;
  /** The answer, where it is one that is written as it comes and has not ended. */
  #streamed: Streamed | undefined;
  readonly #again = (): void => this.#goOn();
  readonly #told = (bytes: Buffer): void => this.#incoming?.piece(bytes);

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

  /** No request is on its way or being answered. */
  get isIdle(): boolean {
    return this.#phase === PHASE.head && !this.#heads.begun && this.#kept === undefined;
  }

  // --- of the wire

  /** The view is valid only during the call. */
  received(bytes: Uint8Array): void {
    if (this.#phase >= PHASE.lingering) return;
    const buffer = asBuffer(bytes);
    // In the middle of an answer, or of another call of this one.
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

  /** The client has ended its side. One that waits for an answer does not do that: it has gone. */
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

  // --- of the clock

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
    // Who has not sent a byte has not asked for anything.
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

  // --- of the request

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

  // --- of the answer

  /** What is told of a request that is over is not sent. */
  answer(incoming: Incoming, reply: Reply): void {
    const { body } = reply;
    if (incoming !== this.#incoming || this.#phase !== PHASE.open) {
      if (typeof body !== "string") body.left();
      return;
    }
    const { head } = incoming;
    const { status, headers } = reply;
    // A stream whose length nobody knows ends with the connection, for clients that know no chunks.
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

  /** Of a stream. */
  get hasRoom(): boolean {
    return this.#outlet.isEmpty;
  }

  /** Of a stream. */
  flushLater(streamed: Streamed): void {
    if (streamed === this.#streamed) this.#home.flushLater(streamed);
  }

  /** Of a stream. */
  send(streamed: Streamed, text: ByteText, isEnd: boolean): void {
    if (streamed !== this.#streamed) return;
    if (isEnd) this.#streamed = undefined;
    this.#outlet.write(text);
    if (isEnd) this.#settle();
    else this.#awaitClient();
  }

  /** Of a stream. */
  breakOff(streamed: Streamed): void {
    if (streamed !== this.#streamed) return;
    this.#streamed = undefined;
    this.#cut();
  }

  /** In the middle of a stream: it is the client's turn where it has not taken all. */
  #awaitClient(): void {
    if (this.#outlet.isEmpty === (this.#turn === "reading")) this.#turnIs(this.#outlet.isEmpty ? "waiting" : "reading");
  }

  // --- of the server

  /** Nothing more is served: at once where nothing is under way, else after the answer. */
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

  /** With what came in the meantime, where it is its turn. */
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
    this.#at = this.#bodies.push(bytes, this.#at, this.#told);
    const incoming = this.#incoming;
    if (this.#bodies.done) {
      this.#largeReads = 0;
      if (this.#turn === "sending") this.#turnIs("waiting");
      incoming?.end();
      // Nobody wanted it, and it is over now.
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

  /** Refuses what has no head that could be answered. */
  #refuseUnread(flaw: Flaw): void {
    this.#phase = PHASE.answered;
    this.#isLast = true;
    this.#isLost = true;
    this.#outlet.write(refusalOf(flaw, this.#home.clock.date, this.#heads.isHead));
    this.#settle();
  }

  // --- the end of an exchange, and of all

  /** Whether the client's next request can be found. */
  #canGoOn(head: Head): boolean {
    const { left } = this.#bodies;
    // A client that waits for a word may send the body after all, or not.
    return left !== undefined && (left === 0 || (left <= MOST_DISCARDED_BYTES && !head.expectsContinue));
  }

  /** The answer is complete. Goes on where all of it was taken, and the request was read to its end. */
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
    // Else in the loop that this is called from.
    if (this.#bytes === undefined) this.#goOn();
  }

  #endThisSide(): void {
    // With nothing that may still come, there is nothing to wait for.
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

  /** In order. */
  #close(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.end();
    this.#leave();
  }

  /** The client takes nothing, or must not take what there is for whole. */
  #cut(): void {
    const wire = this.#wire;
    this.#wire = undefined;
    wire?.terminate();
    this.#leave();
  }

  /** Once, however it ends. */
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
