/** The states of a call, over a wire without a socket: what comes from the upstream is given to it piece by piece. */
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { Wheel } from "../../../../workers/wire/clock.ts";
import { Exchange } from "../../../../workers/wire/exchange.ts";
import type { HttpEvents } from "../../../../workers/wire/http.ts";
import { ConnectionPool, PooledConnection } from "../../../../workers/wire/pool.ts";
import { PORTION_BYTES, Portions } from "../../../../workers/wire/portions.ts";
import type { Wire, WireListener } from "../../../../workers/wire/sockets/wire.ts";

const TIMEOUTS = { connectMs: 5_000, firstByteMs: 5_000, silenceMs: 5_000, totalMs: 20_000 };
const ORIGIN = { tls: false, host: "upstream.test", port: 80, ca: undefined };
const REQUEST = { origin: ORIGIN, method: "POST", path: "/", headers: ["x-a", "b"], body: "{}" } as const;

class TestWire implements Wire {
  readonly readsMuch = true;
  listener: WireListener | undefined;
  readonly flushed = true;
  isPaused = false;
  isDestroyed = false;

  write(): boolean {
    return true;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  destroy(): void {
    this.listener = undefined;
    this.isDestroyed = true;
  }

  send(text: string): void {
    this.listener?.received(Buffer.from(text, "latin1"));
  }
}

/** A call that has sent its request on a kept connection. */
function calling(listening: Partial<HttpEvents> = {}) {
  const wire = new TestWire();
  const pool = new ConnectionPool(ORIGIN, undefined, () => {
    throw new Error("no further connection is expected");
  });
  const connection = new PooledConnection(pool, wire);
  connection.idleUntilMs = Number.POSITIVE_INFINITY;
  pool.put(connection);
  const seen = { length: 0, ends: [] as string[], lefts: 0, kept: 0 };
  const home = {
    wheel: new Wheel(),
    portions: new Portions(),
    left: () => void seen.lefts++,
    keep: () => void seen.kept++,
  };
  const exchange = new Exchange(home, pool, REQUEST, TIMEOUTS, {
    head: () => {},
    chunk: (bytes) => {
      seen.length += bytes.length;
    },
    end: () => void seen.ends.push("end"),
    fail: ({ reason, text }) => void seen.ends.push(`${reason}: ${text}`),
    ...listening,
  });
  exchange.start(REQUEST);
  return { wire, exchange, seen };
}

async function portionsTaken(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
}

const LONG = "x".repeat(PORTION_BYTES * 3);

test("a body that lasts until the connection ends is whole, although the end and the close come before its portions were taken", async () => {
  const { wire, seen } = calling();
  wire.send(`HTTP/1.1 200 OK\r\n\r\n${LONG}`);
  expect([wire.isPaused, seen.length]).toEqual([true, 0]);
  wire.listener?.ended();
  wire.listener?.closed();
  await portionsTaken();
  expect(seen).toEqual({ length: LONG.length, ends: ["end"], lefts: 1, kept: 0 });
  expect(wire.isDestroyed).toBe(true);
});

test("an answer that breaks off before its portions were taken fails with the first report of its end", async () => {
  const { wire, seen } = calling();
  wire.send(`HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n${LONG}`);
  wire.listener?.failed("read ECONNRESET");
  wire.listener?.closed();
  await portionsTaken();
  expect(seen.length).toBe(LONG.length);
  expect(seen.ends).toEqual(["broken: read ECONNRESET in the middle of an answer"]);
});

test("an exception while a portion is taken fails its call at once", async () => {
  const { wire, seen } = calling({
    chunk: () => {
      throw new Error("a fault of ours");
    },
  });
  wire.send(`HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n${LONG}`);
  await portionsTaken();
  expect(seen.ends).toHaveLength(1);
  expect(seen.ends[0]).toMatch(/^fault: .*a fault of ours/s);
  expect([wire.isDestroyed, seen.lefts]).toEqual([true, 1]);
});

test("a call that was paused and resumed while its portions were taken reads on, and gives back a connection that is read from", async () => {
  const { wire, exchange, seen } = calling();
  wire.send(`HTTP/1.1 200 OK\r\ncontent-length: ${LONG.length + 5}\r\n\r\n${LONG}`);
  exchange.pause();
  await portionsTaken();
  // What was read already is delivered; no more is read.
  expect([seen.length, wire.isPaused]).toEqual([LONG.length, true]);
  exchange.resume();
  expect(wire.isPaused).toBe(false);
  exchange.pause();
  wire.send("final");
  expect(seen).toEqual({ length: LONG.length + 5, ends: ["end"], lefts: 1, kept: 1 });
  expect([wire.isPaused, wire.isDestroyed]).toEqual([false, false]);
});

test("a call that lets its answer end reads the portions that wait, and gives the connection back", async () => {
  const { wire, exchange, seen } = calling();
  exchange.pause();
  wire.send(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${LONG.length.toString(16)}\r\n${LONG}\r\n0\r\n\r\n`);
  exchange.letEnd();
  await portionsTaken();
  expect(seen).toEqual({ length: LONG.length, ends: ["end"], lefts: 1, kept: 1 });
  expect([wire.isPaused, wire.isDestroyed]).toEqual([false, false]);
});
