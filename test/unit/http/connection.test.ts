/** What a connection does with its client, over a wire that is none: streams, clients that leave or stand still, clocks, bodies that nobody wants, and ends. */
import { describe, expect, test } from "bun:test";
import { type Asked, type BrokenBody, Reply, ReplyHeaders } from "../../../src/contract/http.ts";
import { OutgoingStream } from "../../../src/contract/stream.ts";
import { HttpServer, type ServerOptions } from "../../../src/http/server.ts";
import { echoing, PATIENT, refusing } from "./examined.ts";
import { verdictOf } from "./verdict.ts";
import { settled, TestWire } from "./wire.ts";

const HOST = "Host: gw\r\n";
const GET = `GET /x HTTP/1.1\r\n${HOST}\r\n`;
const post = (headers: string, body: string) => `POST /x HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;

function serving(options: Partial<ServerOptions> = {}) {
  const faults: unknown[] = [];
  const server = new HttpServer({
    clocks: PATIENT,
    maxConnections: 100,
    handle: echoing,
    refuse: refusing,
    onFault: (thrown) => faults.push(thrown),
    ...options,
  });
  return { server, faults, connect: () => new TestWire(server) };
}

interface Streamed {
  stream: OutgoingStream;
  drains: number;
  lefts: number;
}

/** A server whose answers are streams that the test writes. */
function streaming(options: Partial<ServerOptions> = {}) {
  const streams: Streamed[] = [];
  const made = serving({
    handle: () => {
      const one: Streamed = { stream: new OutgoingStream({ drained: () => one.drains++, left: () => one.lefts++ }), drains: 0, lefts: 0 };
      streams.push(one);
      one.stream.write("first,");
      return new Reply(200, new ReplyHeaders(), one.stream);
    },
    ...options,
  });
  return { ...made, streams, last: () => streams.at(-1) as (typeof streams)[number] };
}

/** Reads the body of a request. What is returned goes on changing as more of it comes. */
function readFrom(asked: Asked | undefined): { length: number; ended: boolean } {
  const read = { length: 0, ended: false };
  asked?.read({
    piece: (bytes) => {
      read.length += bytes.length;
      return true;
    },
    end: () => {
      read.ended = true;
    },
    broken() {},
  });
  return read;
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const bodyOf = (answer: string) => answer.slice(answer.indexOf("\r\n\r\n") + 4);

describe("large bodies", () => {
  const PIECE = "a".repeat(512 * 1024);
  const body = (pieces: number) => `POST /x HTTP/1.1\r\n${HOST}content-length: ${pieces * PIECE.length}\r\n\r\n`;

  test("clients that send them are read from one after the other, a piece in a turn", async () => {
    const { connect } = serving();
    const wires = Array.from({ length: 3 }, () => connect());
    for (const wire of wires) {
      wire.send(body(4));
      wire.send(PIECE);
    }
    const paused = () => wires.map(({ isPaused }) => isPaused);
    expect(paused()).toEqual([true, true, true]);
    for (let read = 1; read <= 3; read++) {
      await nextTurn();
      expect(paused().filter((isPaused) => !isPaused)).toHaveLength(read);
    }
  });

  test("after a MiB there is a pause before each piece; a small body that follows is read as it comes, and all are answered", async () => {
    const { connect } = serving();
    const wire = connect();
    wire.send(body(8));
    for (let piece = 1; piece <= 7; piece++) {
      wire.send(PIECE);
      expect(wire.isPaused).toBe(true);
      const startedMs = performance.now();
      while (wire.isPaused) await nextTurn();
      if (piece > 2) expect(performance.now() - startedMs).toBeGreaterThan(0.5);
    }
    wire.send(PIECE);
    await settled();
    expect(wire.isPaused).toBe(false);
    wire.send(post("content-length: 5\r\n", "small"));
    await settled();
    expect(wire.received.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  test("one whose client has gone in the middle does not hold up the next", async () => {
    const { connect } = serving();
    const [first, second] = [connect(), connect()];
    for (const wire of [first, second]) {
      wire.send(body(2));
      wire.send(PIECE);
    }
    first.terminate();
    while (second.isPaused) await nextTurn();
    second.send(PIECE);
    await settled();
    expect(second.received).toContain("HTTP/1.1 200");
  });
});

describe("a stream", () => {
  test("begins in one write with its head; pieces of one turn are one chunk, and the end comes with the last of them", async () => {
    const { connect, last } = streaming();
    const wire = connect();
    wire.send(GET);
    expect(wire.writes).toBe(1);
    expect(wire.received).toMatch(/^HTTP\/1\.1 200 OK\r\ndate: .* GMT\r\ntransfer-encoding: chunked\r\n\r\n6\r\nfirst,\r\n$/);
    const { stream } = last();
    stream.write("caf\u00c3\u00a9,");
    stream.write("");
    stream.write("more");
    await settled();
    expect(wire.writes).toBe(2);
    stream.write("last");
    stream.close();
    await settled();
    expect(wire.writes).toBe(3);
    expect(bodyOf(wire.received)).toBe("6\r\nfirst,\r\na\r\ncaf\u00c3\u00a9,more\r\n4\r\nlast\r\n0\r\n\r\n");
    // And the connection serves the next.
    wire.send(GET);
    expect(wire.received.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  test("that has ended before it is sent is whole", () => {
    const { connect } = serving({
      handle: () => {
        const stream = new OutgoingStream({ drained() {}, left() {} });
        stream.write("all");
        stream.close();
        return new Reply(200, new ReplyHeaders(), stream);
      },
    });
    const wire = connect();
    wire.send(GET + GET);
    expect(wire.received.match(/3\r\nall\r\n0\r\n\r\n/g)).toHaveLength(2);
  });

  test("for HTTP/1.0 comes as it is, and ends with the connection", async () => {
    const { connect, last } = streaming();
    const wire = connect();
    wire.send(`GET /x HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`);
    last().stream.write("second");
    last().stream.close();
    await settled();
    expect(wire.received).toMatch(/connection: close\r\n\r\nfirst,second$/);
    expect(wire.received).not.toMatch(/keep-alive|chunked/);
    expect(wire.state).toBe("closed");
    expect(last().lefts).toBe(0);
  });

  test("whose length is known is sent without chunks, and the connection goes on, for HTTP/1.0 too", async () => {
    for (const [version, connection] of [
      ["1.1", ""],
      ["1.0", "Connection: keep-alive\r\n"],
    ]) {
      const { connect } = serving({
        handle: () => {
          const stream = new OutgoingStream({ drained: () => stream.close(), left() {} });
          stream.write("y".repeat(100_000));
          return new Reply(200, new ReplyHeaders({ "content-length": "100000" }), stream);
        },
      });
      const wire = connect();
      wire.room = 1_000;
      for (let round = 0; round < 2; round++) wire.send(`GET /x HTTP/${version}\r\n${HOST}${connection}\r\n`);
      wire.take(Number.POSITIVE_INFINITY);
      await settled();
      expect(verdictOf(wire.received)).toEqual([`200 ${"y".repeat(100_000)}`, `200 ${"y".repeat(100_000)}`]);
      expect(wire.received).not.toContain("transfer-encoding");
    }
  });

  test("for HEAD has a head alone, and its owner need not write", () => {
    const { connect, last } = streaming();
    const wire = connect();
    wire.send(`HEAD /x HTTP/1.1\r\n${HOST}\r\n`);
    expect(bodyOf(wire.received)).toBe("");
    expect(last().lefts).toBe(1);
  });

  test("whose client stands still has no room; what was written waits, and comes in order when the client takes it", async () => {
    const { connect, last } = streaming();
    const wire = connect();
    wire.send(GET);
    const one = last();
    wire.room = 10;
    const piece = `${"0123456789".repeat(20_000)},`;
    one.stream.write(piece);
    await settled();
    expect(one.stream.hasRoom).toBe(false);
    one.stream.write("end");
    one.stream.close();
    await settled();
    wire.take(100);
    expect([one.stream.hasRoom, one.drains]).toEqual([false, 1]);
    wire.take(Number.POSITIVE_INFINITY);
    await settled();
    expect(bodyOf(wire.received)).toBe(`6\r\nfirst,\r\n${piece.length.toString(16)}\r\n${piece}\r\n3\r\nend\r\n0\r\n\r\n`);
    wire.send(GET);
    expect(wire.received.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  test("has room again when all was taken, and its owner is told once", async () => {
    const { connect, last } = streaming();
    const wire = connect();
    wire.send(GET);
    expect(last().drains).toBe(1);
    wire.room = 3;
    last().stream.write("second");
    await settled();
    wire.take(2);
    wire.take(50);
    expect([last().stream.hasRoom, last().drains]).toEqual([true, 2]);
  });

  for (const how of ["ended", "closed"] as const)
    test(`whose client leaves (${how}) tells its owner once, and what is written then does no harm`, async () => {
      const { server, connect, last } = streaming();
      const wire = connect();
      wire.send(GET);
      last().stream.write("lost");
      wire.connection?.[how]();
      await settled();
      last().stream.write("more");
      last().stream.close();
      wire.connection?.closed();
      await settled();
      expect([last().lefts, server.count]).toEqual([1, 0]);
      if (how === "ended") expect(wire.state).toBe("closed");
    });
});

describe("a client that leaves", () => {
  for (const how of ["ended", "closed"] as const)
    test(`before its answer is told of at once (${how}), and the answer is not sent`, async () => {
      let asked: Asked | undefined;
      let answer = (_reply: Reply): void => {};
      let lefts = 0;
      const { server, connect } = serving({
        handle: (given) => {
          asked = given;
          asked.onLeft = () => lefts++;
          return new Promise((resolve) => {
            answer = resolve;
          });
        },
      });
      const wire = connect();
      wire.send(GET);
      wire.connection?.[how]();
      expect([lefts, server.count]).toEqual([1, 0]);
      let left = 0;
      answer(new Reply(200, new ReplyHeaders(), new OutgoingStream({ drained() {}, left: () => left++ })));
      await settled();
      expect([wire.received, left]).toEqual(["", 1]);
    });

  test("in the middle of its body breaks the body, whether anybody reads it yet or not", () => {
    for (const isRead of [true, false]) {
      const broken: BrokenBody[] = [];
      let asked: Asked | undefined;
      const { connect } = serving({
        handle: (given) => {
          asked = given;
          if (isRead) given.read({ piece: () => true, end() {}, broken: (why) => broken.push(why) });
          return new Promise(() => {});
        },
      });
      const wire = connect();
      wire.send(post("Content-Length: 10\r\n", "12345"));
      wire.connection?.closed();
      if (!isRead) asked?.read({ piece: () => true, end() {}, broken: (why) => broken.push(why) });
      expect(broken.map(({ reason }) => reason)).toEqual(["left"]);
    }
  });

  test("with an answer on its way that is complete still gets it", () => {
    const { connect } = serving();
    const wire = connect();
    wire.room = 20;
    wire.send(GET);
    wire.connection?.ended();
    expect(wire.state).toBe("open");
    wire.take(1_000);
    expect(verdictOf(wire.received)).toEqual(['200 GET /x ""']);
    expect(wire.state).toBe("closed");
  });
});

describe("the clocks", () => {
  const clocks = { headMs: 1_000, sendingMs: 2_000, readingMs: 3_000, idleMs: 4_000 };
  const after = (wire: TestWire, server: HttpServer, ms: number) => wire.connection?.check(server.clock.nowMs + ms + 0.01);

  test("a client that sends nothing is closed without a word; half a head is a 408", () => {
    const { server, connect } = serving({ clocks });
    for (const [sent, seen] of [
      ["", []],
      ["\r\n", []],
      ["GET /x HT", ["408"]],
    ] as const) {
      const wire = connect();
      wire.send(sent);
      after(wire, server, 999);
      expect(wire.state).toBe("open");
      after(wire, server, 1_000);
      expect(verdictOf(wire.received)).toEqual([...seen]);
      expect(wire.state).not.toBe("open");
    }
  });

  test("a connection is idle after its answer, and has a head's time from the next one's first byte", async () => {
    const { server, connect } = serving({ clocks });
    const [idle, half] = [connect(), connect()];
    for (const wire of [idle, half]) wire.send(GET);
    half.send("G");
    after(idle, server, 3_999);
    expect(idle.state).toBe("open");
    after(idle, server, 4_000);
    expect(idle.state).toBe("closed");
    after(half, server, 1_000);
    expect(verdictOf(half.received)).toEqual(['200 GET /x ""', "408"]);
  });

  test("a body that falls silent is refused by whoever reads it, and the connection ends; one that comes slowly goes on", async () => {
    const { server, connect } = serving({ clocks });
    const wire = connect();
    wire.send(post("Content-Length: 10\r\n", "12345"));
    after(wire, server, 2_000);
    await settled();
    expect(verdictOf(wire.received)).toEqual(["408"]);
    expect(wire.state).toBe("shut");
    after(wire, server, 5_000);
    expect([wire.state, server.count]).toEqual(["closed", 0]);
  });

  test("nobody waits too long for an answer, however long it takes", () => {
    const { server, connect } = serving({ clocks, handle: () => new Promise(() => {}) });
    const wire = connect();
    wire.send(GET);
    after(wire, server, 3_600_000);
    expect(wire.state).toBe("open");
  });

  test("a client that takes nothing is cut, in a stream and in an answer of one piece; one that takes a little is not", async () => {
    const { server, connect, last } = streaming({ clocks });
    const wire = connect();
    wire.send(GET);
    after(wire, server, 3_600_000);
    expect(wire.state).toBe("open");
    wire.room = 0;
    last().stream.write("more");
    await settled();
    after(wire, server, 2_999);
    expect(wire.state).toBe("open");
    after(wire, server, 3_000);
    expect([wire.state, last().lefts]).toEqual(["reset", 1]);
    const whole = serving({ clocks });
    const other = whole.connect();
    other.room = 1;
    other.send(GET);
    after(other, whole.server, 3_000);
    expect([other.state, whole.server.count]).toEqual(["reset", 0]);
  });
});

describe("a body", () => {
  test("that nobody asks for waits up to a bound, then its client waits, and it comes whole when it is asked for", () => {
    let asked: Asked | undefined;
    const { connect } = serving({
      handle: (given) => {
        asked = given;
        return new Promise(() => {});
      },
    });
    const wire = connect();
    wire.send(post("Content-Length: 200000\r\n", ""));
    for (let at = 0; at < 7 && !wire.isPaused; at++) wire.send("x".repeat(10_000));
    expect(wire.isPaused).toBe(true);
    const read = readFrom(asked);
    expect([read.length, wire.isPaused]).toEqual([70_000, false]);
    wire.send("x".repeat(130_000));
    expect(read).toEqual({ length: 200_000, ended: true });
  });

  test("is text where it is small, bytes of its own where it is large, and there at once where it came with its head", () => {
    const bodies: unknown[] = [];
    const { connect } = serving({
      handle: (asked) => {
        bodies.push(asked.takeBody());
        return new Reply(204, new ReplyHeaders(), "");
      },
    });
    connect().send(post("Content-Length: 4\r\n", "\x00\xff{}"));
    connect().send(post("Content-Length: 70000\r\n", "y".repeat(70_000)));
    connect().send(GET);
    connect().send(post("Content-Length: 4\r\n", "{"));
    expect(bodies[0]).toBe("\x00\xff{}");
    expect(bodies[1]).toBeInstanceOf(Uint8Array);
    expect((bodies[1] as Uint8Array).buffer.byteLength).toBe(70_000);
    expect(bodies.slice(2)).toEqual(["", undefined]);
  });

  test("that nobody wants is read to its end where that is near, and the next request is served; else the connection ends", () => {
    const refusal = () => new Reply(401, new ReplyHeaders(), "no");
    const { connect, server } = serving({ handle: refusal });
    const near = connect();
    near.send(post("Content-Length: 100000\r\n", "x"));
    expect(near.received).not.toContain("connection: close");
    near.send("x".repeat(99_999) + GET);
    expect(verdictOf(near.received)).toEqual(["401", "401"]);
    for (const headers of [
      "Content-Length: 10000000\r\n",
      "Transfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ]) {
      const far = connect();
      far.send(post(headers, ""));
      expect(verdictOf(far.received)).toEqual(["401"]);
      expect(far.received).toContain("connection: close");
      // This side has ended; what is still sent does no harm, and the rest is up to the client.
      expect(far.state).toBe("shut");
      far.send("x".repeat(100_000));
      far.connection?.ended();
      expect(far.state).toBe("closed");
    }
    expect(server.count).toBe(1);
  });

  test("that is waited for with 100-continue is called for when it is asked for, once, and not where it has come already", async () => {
    const { connect } = serving();
    const wire = connect();
    wire.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n", ""));
    expect(wire.received).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    wire.send("hello");
    await settled();
    expect(verdictOf(wire.received)).toEqual(['200 POST /x "hello"']);
    const eager = connect();
    eager.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n", "he"));
    eager.send("llo");
    await settled();
    expect(eager.received).not.toContain("100 Continue");
  });
});

describe("calls at once", () => {
  test("are answered in order, each begun when the one ahead is over", async () => {
    const order: string[] = [];
    const answers: (() => void)[] = [];
    const { connect } = serving({
      handle: ({ url }) => {
        order.push(url);
        return new Promise((resolve) => answers.push(() => resolve(new Reply(200, new ReplyHeaders(), url))));
      },
    });
    const wire = connect();
    wire.send(["/a", "/b", "/c"].map((path) => `GET ${path} HTTP/1.1\r\n${HOST}\r\n`).join(""));
    wire.send(`GET /d HTTP/1.1\r\n${HOST}\r\n`);
    for (const seen of [["/a"], ["/a", "/b"], ["/a", "/b", "/c"], ["/a", "/b", "/c", "/d"]]) {
      expect(order).toEqual(seen);
      answers.shift()?.();
      await settled();
    }
    expect(verdictOf(wire.received)).toEqual(["200 /a", "200 /b", "200 /c", "200 /d"]);
  });

  test("that are answered at once leave the others their turn, and are all answered", async () => {
    const { connect } = serving({ handle: ({ url }) => new Reply(200, new ReplyHeaders(), url) });
    const wire = connect();
    wire.send(GET.repeat(100));
    const first = wire.writes;
    expect(first).toBeLessThan(20);
    wire.send(`GET /last HTTP/1.1\r\n${HOST}\r\n`);
    for (let turn = 0; turn < 10; turn++) await nextTurn();
    expect(verdictOf(wire.received)).toEqual([...Array.from({ length: 100 }, () => "200 /x"), "200 /last"]);
    expect(wire.isPaused).toBe(false);
  });

  test("that are many make their client wait", async () => {
    let answer = (): void => {};
    const { connect } = serving({
      handle: ({ url }) =>
        new Promise((resolve) => {
          answer = () => resolve(new Reply(200, new ReplyHeaders(), url));
        }),
    });
    const wire = connect();
    const count = 3_000;
    wire.send(GET.repeat(count));
    expect(wire.isPaused).toBe(true);
    for (let left = count; left > 0; left--) {
      answer();
      await settled();
    }
    expect(wire.isPaused).toBe(false);
    expect(wire.received.match(/HTTP\/1\.1 200/g)).toHaveLength(count);
  });
});

test("what a socket delivers in the middle of its resuming is not lost", async () => {
  let asked: Asked | undefined;
  const { connect } = serving({
    handle: (given) => {
      asked = given;
      return new Promise(() => {});
    },
  });
  const wire = connect();
  wire.send(post("Content-Length: 150000\r\n", "x".repeat(70_000)));
  expect(wire.isPaused).toBe(true);
  wire.onResume = () => wire.send("x".repeat(80_000));
  expect(readFrom(asked)).toEqual({ length: 150_000, ended: true });
});

test("a header that came several times is one list, in the order in which its lines came", () => {
  let list: string | null = "";
  const { connect } = serving({
    handle: ({ headers }) => {
      list = headers.get("x-list");
      return new Reply(200, new ReplyHeaders(), "");
    },
  });
  connect().send(`GET /x HTTP/1.1\r\n${HOST}X-List: 1\r\nX-Other: y\r\nx-list: 2,3\r\n\r\n`);
  expect(list).toBe("1, 2,3");
});

describe("the server", () => {
  test("has room for so many, and tells who comes then", () => {
    const { server, connect } = serving({ maxConnections: 2 });
    const [first] = [connect(), connect()];
    const third = connect();
    expect(verdictOf(third.received)).toEqual(["503"]);
    expect([third.state, server.count]).toEqual(["closed", 2]);
    first?.connection?.closed();
    const fourth = connect();
    fourth.send(GET);
    expect(verdictOf(fourth.received)).toEqual(['200 GET /x ""']);
  });

  test("closes idle connections at once when it is to end, says so on the answers that are left, and is empty after them", async () => {
    let answer = (): void => {};
    let isQuick = true;
    const reply = () => new Reply(200, new ReplyHeaders(), "done");
    const { server, connect } = serving({
      handle: () =>
        isQuick
          ? reply()
          : new Promise((resolve) => {
              answer = () => resolve(reply());
            }),
    });
    const [fresh, idle, half, open] = [connect(), connect(), connect(), connect()];
    idle.send(GET);
    half.send("GET /x HT");
    isQuick = false;
    open.send(GET);
    server.close();
    let isEmpty = false;
    void server.empty().then(() => {
      isEmpty = true;
    });
    expect([fresh, idle, half, open].map(({ state }) => state)).toEqual(["closed", "closed", "open", "open"]);
    answer();
    await settled();
    expect(open.received).toContain("connection: close");
    expect(open.state).toBe("closed");
    isQuick = true;
    half.send(`TP/1.1\r\n${HOST}\r\n`);
    expect(half.state).toBe("closed");
    await settled();
    expect([server.count, isEmpty]).toEqual([0, true]);
  });

  test("that is to close soon takes clients still, leaves idle ones alone, and ends each connection with its next answer", () => {
    const { server, connect } = serving();
    const idle = connect();
    idle.send(GET);
    server.retire();
    const fresh = connect();
    expect([idle.state, fresh.state]).toEqual(["open", "open"]);
    for (const wire of [idle, fresh]) {
      wire.send(GET);
      expect(wire.received).toMatch(/connection: close\r\n(?:.*\r\n)*\r\n.*$/);
      expect(wire.state).toBe("closed");
    }
    expect(idle.received.match(/connection: close/g)).toHaveLength(1);
  });

  test("answers 500 for a handler that throws, now or later, and tells of it", async () => {
    for (const handle of [
      () => {
        throw new Error("at once");
      },
      () => Promise.reject(new Error("later")),
    ]) {
      const { connect, faults } = serving({ handle });
      const wire = connect();
      wire.send(GET);
      await settled();
      expect(verdictOf(wire.received)).toEqual(["500"]);
      expect(faults).toHaveLength(1);
      expect(wire.received).not.toMatch(/at once|later/);
    }
  });

  test("gives a date of this second, in HTTP's own form", () => {
    const wire = serving().connect();
    wire.send(GET);
    const date = /date: (.*)\r\n/.exec(wire.received)?.[1] ?? "";
    expect(date).toMatch(/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(2_000);
  });
});
