/**
 * One call: its phases (connecting, waiting for the head, reading the body, over), its clocks and its one second chance.
 * However it ends, `#leave` runs once, and the caller hears of it at most once.
 */
import { Buffer } from "node:buffer";
import type { Timeouts } from "../../src/contract/config.ts";
import { asGatewayError } from "../../src/contract/errors.ts";
import type { Ticket, Wheel } from "./clock.ts";
import type { HttpEvents, HttpExchange, HttpFailure, HttpHeaders, HttpRequest } from "./http.ts";
import { AnswerParser } from "./http1-parser.ts";
import { hostAndPort, requestHead } from "./http1-request.ts";
import { type ConnectionPool, PooledConnection } from "./pool.ts";
import { PORTION_BYTES, type Portioned, type Portions, portionOf } from "./portions.ts";
import { type Dialing, describe } from "./sockets/wire.ts";

/** The parts of the HTTP client that a call uses. */
interface Home {
  readonly wheel: Wheel;
  readonly portions: Portions;
  left(exchange: Exchange): void;
  /** Takes a connection back after a whole answer. `hintSeconds`: how long the upstream keeps it, 0 where it did not say. */
  keep(connection: PooledConnection, hintSeconds: number): void;
}

/** A body up to this size leaves in one write with its head; a larger one in pieces of this size as the connection takes them. */
const WRITE_BYTES = 262_144;

/**
 * An upstream's close that crossed the request on the way is seen within one round trip; the longest on this planet take about 300 ms. A connection that
 * dies later had the request, and perhaps half of an answer: to ask again would mean a second generation, and a second bill.
 */
const AT_ONCE_MS = 500;

/** Most bytes, and the longest time, that an answer may take after its last word. An honest upstream needs a few bytes and no time. */
const REST_BYTES = 16_384;
const REST_MS = 2_000;

const PHASE = { connecting: 0, waiting: 1, body: 2, over: 3 } as const;

export class Exchange implements HttpExchange, Portioned {
  readonly #home: Home;
  readonly #pool: ConnectionPool;
  readonly #timeouts: Timeouts;
  #events: HttpEvents | undefined;
  #phase: number = PHASE.connecting;
  readonly #parser = new AnswerParser(this);
  #head = "";
  #headWritten = false;
  #body: string;
  /** Length of the body in bytes; the text itself is let go of when it is no longer needed. */
  readonly #length: number;
  /** Bytes of the body that were handed to the socket. */
  #written = 0;
  #connection: PooledConnection | undefined;
  #dialing: Dialing | undefined;
  /** The connection carried a call before this one. */
  #reused = false;
  /** `performance.now()` when the request began to leave. */
  #sentMs = 0;
  #paused = false;
  /** Bytes that are read before the connection is closed. */
  #readable = Number.POSITIVE_INFINITY;
  /** Read from the socket, which is paused meanwhile, and not taken yet. */
  #rest: Buffer | undefined;
  /** The socket is paused until the rest has been taken. */
  #portioned = false;
  /** How the connection ended before the rest was taken. */
  #end: { text: string; clean: boolean } | undefined;
  #ticket: Ticket | undefined;
  #startedMs: number | undefined;
  /** When the current phase began, or the last byte came. */
  #activeMs = 0;
  readonly #whenDue = () => this.#due();

  constructor(home: Home, pool: ConnectionPool, request: HttpRequest, timeouts: Timeouts, events: HttpEvents) {
    this.#home = home;
    this.#pool = pool;
    this.#body = request.body;
    this.#length = request.body.length;
    this.#timeouts = timeouts;
    this.#events = events;
  }

  start(request: HttpRequest): void {
    try {
      this.#head = requestHead(request);
    } catch (thrown) {
      this.refuse("malformed", thrown instanceof Error ? thrown.message : String(thrown));
      return;
    }
    const connection = this.#pool.take(this.#home.wheel.nowMs);
    if (connection === undefined) this.#dial();
    else {
      this.#reused = true;
      this.#use(connection);
    }
  }

  pause(): void {
    if (this.#paused || this.#phase === PHASE.over) return;
    this.#paused = true;
    this.#connection?.wire.pause();
  }

  resume(): void {
    if (!this.#paused || this.#phase === PHASE.over) return;
    this.#paused = false;
    this.#activeMs = this.#home.wheel.nowMs;
    if (!this.#portioned) this.#connection?.wire.resume();
  }

  letEnd(): void {
    // Only once: the bytes that may be read count from the first call.
    if (this.#phase === PHASE.over || this.#readable <= REST_BYTES) return;
    this.resume();
    this.#readable = REST_BYTES;
    this.#ticket?.cancel();
    this.#ticket = this.#home.wheel.schedule(REST_MS, () => {
      this.abort();
      return 0;
    });
  }

  abort(): void {
    if (this.#phase !== PHASE.over) this.#leave(true);
  }

  /** Fails the call later than this turn: by then the caller has its exchange. */
  refuse(reason: HttpFailure["reason"], text: string): void {
    queueMicrotask(() => this.#fail(reason, text));
  }

  received(bytes: Buffer): void {
    // Not while the head is awaited: its clock must not be kept going by a trickle of header bytes.
    if (this.#phase === PHASE.body) this.#activeMs = this.#home.wheel.nowMs;
    this.#readable -= bytes.length;
    if (this.#readable < 0) {
      this.abort();
      return;
    }
    if (!this.#portioned && (bytes.length <= PORTION_BYTES || !this.#connection?.wire.readsMuch)) this.#take(bytes);
    else if (this.#rest === undefined) {
      // A copy: the socket uses its memory again for the next piece.
      this.#rest = Buffer.from(bytes);
      this.#portioned = true;
      this.#connection?.wire.pause();
      this.#home.portions.add(this);
    } else this.#rest = Buffer.concat([this.#rest, bytes]);
  }

  /** Called by `Portions`. */
  takePortion(): boolean {
    if (this.#rest === undefined) return false;
    const [portion, rest] = portionOf(this.#rest);
    this.#rest = rest;
    this.#take(portion);
    if (this.#rest !== undefined) return true;
    if (this.#phase === PHASE.over) return false;
    this.#portioned = false;
    if (this.#end !== undefined) this.lost(this.#end.text, this.#end.clean);
    else if (!this.#paused) this.#connection?.wire.resume();
    return false;
  }

  #take(bytes: Buffer): void {
    const parser = this.#parser;
    parser.push(bytes);
    if (parser.error !== undefined) this.#fail("malformed", `the upstream's answer is malformed: ${parser.error}`);
    else if (parser.done) this.#finish();
  }

  /**
   * Two limits of sockets on both runtimes: an upstream that answers and closes without reading a large request to its end may reset the connection
   * before its answer is read (the call is `broken`), and a TLS connection that ends without a close_notify ends as cleanly as one with it (a body that lasts until
   * the end may then lack its tail; the dialects know their own last event).
   */
  lost(text: string, clean: boolean): void {
    if (this.#portioned) {
      // The first report says how it ended; a close follows each of the others.
      this.#end ??= { text, clean };
      return;
    }
    const parser = this.#parser;
    if (clean) parser.close();
    if (parser.done) this.#finish();
    else if (this.#reused && parser.untouched && performance.now() - this.#sentMs < AT_ONCE_MS) {
      // The upstream closed an idle connection while our request was on its way. Nothing was answered, so the request leaves once more, on a new connection.
      this.#events?.resent?.();
      this.#connection?.destroy();
      this.#connection = undefined;
      this.#reused = false;
      this.#headWritten = false;
      this.#written = 0;
      this.#dial();
    } else this.#fail("broken", `${text} ${parser.untouched ? "before it answered" : "in the middle of an answer"}`);
  }

  fault(thrown: unknown): void {
    this.#fail("fault", asGatewayError(thrown).detail.log ?? "");
  }

  /** Called by the parser. */
  head(status: number, headers: HttpHeaders): void {
    this.#phase = PHASE.body;
    this.#arm();
    // There is no second try from here on, so the request is let go of: a stream may stay open for an hour.
    this.#head = "";
    if (this.#written === this.#length) this.#body = "";
    this.#events?.head(status, headers);
  }

  /** Called by the parser. */
  chunk(bytes: Uint8Array): void {
    this.#events?.chunk(bytes);
  }

  /** Writes what the socket takes; called again when it takes more. */
  write(): void {
    while (this.#connection !== undefined && !(this.#headWritten && this.#written === this.#length)) {
      const piece = this.#length <= WRITE_BYTES ? this.#body : this.#body.slice(this.#written, this.#written + WRITE_BYTES);
      const text = this.#headWritten ? piece : this.#head + piece;
      this.#headWritten = true;
      this.#written += piece.length;
      if (!this.#connection.wire.write(text)) return;
    }
  }

  #dial(): void {
    const pool = this.#pool;
    this.#phase = PHASE.connecting;
    this.#arm();
    try {
      this.#dialing = pool.dial({ origin: pool.origin, proxy: pool.proxy, trust: pool.trust }, (wire, problem) => {
        this.#dialing = undefined;
        if (wire === undefined) this.#fail("unreachable", problem);
        else
          try {
            this.#use(new PooledConnection(pool, wire));
          } catch (thrown) {
            this.fault(thrown);
          }
      });
    } catch (thrown) {
      this.refuse(
        "unreachable",
        `the ca of ${hostAndPort(pool.origin.host, pool.origin.port)} cannot be used: ${describe(thrown, pool.origin)}`,
      );
    }
  }

  #use(connection: PooledConnection): void {
    this.#connection = connection;
    connection.exchange = this;
    this.#phase = PHASE.waiting;
    this.#sentMs = performance.now();
    this.#arm();
    this.write();
    if (this.#paused) connection.wire.pause();
  }

  #finish(): void {
    const connection = this.#connection;
    const events = this.#events;
    const parser = this.#parser;
    const reusable =
      parser.persistent &&
      !parser.surplus &&
      this.#rest === undefined &&
      this.#end === undefined &&
      this.#written === this.#length &&
      connection?.wire.flushed === true;
    // The connection comes before the event: a call that is begun in the event finds the connection free.
    if (reusable && connection !== undefined) {
      connection.exchange = undefined;
      if (this.#paused || this.#portioned) connection.wire.resume();
      this.#leave(false);
      this.#home.keep(connection, parser.idleHintSeconds);
    } else this.#leave(true);
    events?.end();
  }

  #fail(reason: HttpFailure["reason"], text: string): void {
    const events = this.#events;
    if (this.#phase === PHASE.over) return;
    this.#leave(true);
    events?.fail({ reason, text, beforeFirstByte: this.#parser.untouched });
  }

  #leave(destroy: boolean): void {
    this.#phase = PHASE.over;
    this.#events = undefined;
    this.#rest = undefined;
    this.#ticket?.cancel();
    this.#parser.stop();
    this.#dialing?.cancel();
    if (destroy) this.#connection?.destroy();
    this.#dialing = undefined;
    this.#connection = undefined;
    this.#home.left(this);
  }

  /** Sets the deadline of a phase that begins now. */
  #arm(): void {
    const { wheel } = this.#home;
    this.#ticket?.cancel();
    const passedMs = this.#startedMs === undefined ? 0 : wheel.sinceMs(this.#startedMs);
    this.#ticket = wheel.schedule(Math.min(this.#limitMs, this.#timeouts.totalMs - passedMs), this.#whenDue);
    // After `schedule`, which sets the time of a wheel that had stopped.
    this.#activeMs = wheel.nowMs;
    this.#startedMs ??= this.#activeMs;
  }

  get #limitMs(): number {
    if (this.#phase === PHASE.connecting) return this.#timeouts.connectMs;
    return this.#phase === PHASE.waiting ? this.#timeouts.firstByteMs : this.#timeouts.silenceMs;
  }

  /** The deadline has come: perhaps something happened meanwhile, and it moves. */
  #due(): number {
    const { wheel } = this.#home;
    const limitMs = this.#limitMs;
    const totalLeftMs = this.#timeouts.totalMs - wheel.sinceMs(this.#startedMs ?? wheel.nowMs);
    const still = this.#paused && this.#phase !== PHASE.connecting;
    const leftMs = still ? limitMs : limitMs - wheel.sinceMs(this.#activeMs);
    if (leftMs > 0 && totalLeftMs > 0) return Math.min(leftMs, totalLeftMs);
    this.#fail("timeout", totalLeftMs <= 0 ? `the call was not over after ${this.#timeouts.totalMs} ms` : this.#silenceText(limitMs));
    return 0;
  }

  #silenceText(limitMs: number): string {
    const { origin, proxy } = this.#pool;
    const target = hostAndPort(origin.host, origin.port);
    if (this.#phase === PHASE.connecting)
      return `no connection to ${target}${proxy === undefined ? "" : " through the proxy"} after ${limitMs} ms`;
    if (this.#phase === PHASE.waiting) return `no answer from ${target} after ${limitMs} ms`;
    return `${target} fell silent in the middle of an answer for ${limitMs} ms`;
  }
}
