/** A stream for a client sits one exam over both kinds of sockets that it may go to. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Reply, ReplyHeaders } from "../../../src/contract/http.ts";
import { OutgoingStream } from "../../../src/contract/stream.ts";
import { dechunked } from "../../support/exchange.ts";
import { eventually, pause } from "../../support/waits.ts";
import { type Examined, ours, overNode } from "../http/examined.ts";

const KINDS: Readonly<Record<string, (answer: () => Reply) => Promise<Examined>>> = {
  "on Bun's sockets": (answer) => ours({ handle: answer }),
  "on node:net": (answer) => overNode({ handle: answer }),
};

class Opened {
  readonly stream: OutgoingStream;
  drains = 0;
  lefts = 0;

  constructor() {
    this.stream = new OutgoingStream({ drained: () => this.drains++, left: () => this.lefts++ });
  }
}

/** The body of a chunked answer, as far as it has come. */
function bodyOf(answer: string): string {
  return dechunked(Buffer.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), "latin1")).body.toString("latin1");
}

describe.each(Object.entries(KINDS))("%s", (_, serve) => {
  const opened: Opened[] = [];
  let begun: (opened: Opened) => void = () => {};
  let server: Examined;
  const answer = () => {
    const one = new Opened();
    opened.push(one);
    begun(one);
    return new Reply(200, new ReplyHeaders({ "content-type": "text/event-stream" }), one.stream);
  };
  beforeAll(async () => {
    server = await serve(answer);
  });
  afterAll(() => void server.stop());

  async function ask(begin: (opened: Opened) => void): Promise<{ socket: Socket; one: Opened; heard: () => string }> {
    begun = begin;
    const count = opened.length;
    const socket = connect(server.port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1").on("data", (data) => {
      text += data;
    });
    await once(socket, "connect");
    socket.write("GET / HTTP/1.1\r\nhost: weir\r\n\r\n");
    await eventually(() => opened.length > count, "the request");
    return { socket, one: opened.at(-1) as Opened, heard: () => text };
  }

  test("what is written before the runtime asks comes first, with the head; later pieces come as they are written, then the end", async () => {
    const { socket, one, heard } = await ask(({ stream }) => {
      stream.write("one,");
      stream.write("two,");
    });
    await eventually(() => bodyOf(heard()) === "one,two,", "the beginning");
    one.stream.write("three,");
    await eventually(() => bodyOf(heard()) === "one,two,three,", "the third piece");
    one.stream.write("four,");
    one.stream.write("caf\u00c3\u00a9");
    one.stream.close();
    await eventually(() => heard().endsWith("0\r\n\r\n"), "the end");
    expect(bodyOf(heard())).toBe("one,two,three,four,caf\u00c3\u00a9");
    expect(one.lefts).toBe(0);
    // The connection serves the next.
    begun = ({ stream }) => stream.write("next");
    const before = heard().length;
    socket.write("GET / HTTP/1.1\r\nhost: weir\r\n\r\n");
    await eventually(() => heard().slice(before).includes("next"), "the next answer");
    socket.destroy();
  });

  test("one that ends before the runtime asks for it is whole", async () => {
    const { socket, heard } = await ask(({ stream }) => {
      stream.write("all ");
      stream.write("at once");
      stream.close();
    });
    await eventually(() => heard().endsWith("0\r\n\r\n"), "the end");
    expect(bodyOf(heard())).toBe("all at once");
    socket.destroy();
  });

  test("a client that stands still leaves no room; when it reads again there is, and every byte is right", async () => {
    const { socket, one, heard } = await ask(({ stream }) => stream.write("begin,"));
    await eventually(() => bodyOf(heard()) === "begin,", "the beginning");
    socket.pause();
    let [written, number] = ["begin,", 0];
    const untilMs = performance.now() + 5000;
    while (one.stream.hasRoom && performance.now() < untilMs) {
      const piece = `${number++}:`.padEnd(16_384, ".");
      one.stream.write(piece);
      written += piece;
      await pause(0);
    }
    expect(one.stream.hasRoom).toBe(false);
    const before = one.drains;
    await pause(50);
    expect(one.stream.hasRoom).toBe(false);
    expect(one.drains).toBe(before);
    socket.resume();
    await eventually(() => one.stream.hasRoom, "room");
    expect(one.drains).toBeGreaterThan(before);
    one.stream.write("end");
    one.stream.close();
    await eventually(() => heard().endsWith("0\r\n\r\n"), "the end");
    expect(Bun.hash(bodyOf(heard()))).toBe(Bun.hash(`${written}end`));
    socket.destroy();
  });

  test("one that is closed while its client stands still arrives whole", async () => {
    const { socket, one, heard } = await ask(({ stream }) => stream.write("begin,"));
    await eventually(() => bodyOf(heard()) === "begin,", "the beginning");
    socket.pause();
    let length = "begin,".length;
    while (one.stream.hasRoom && length < 64 << 20) {
      one.stream.write("x".repeat(65_536));
      length += 65_536;
      await pause(0);
    }
    one.stream.write("last");
    one.stream.close();
    socket.resume();
    await eventually(() => heard().endsWith("0\r\n\r\n"), "the end");
    expect(bodyOf(heard()).length).toBe(length + 4);
    expect(bodyOf(heard())).toEndWith("last");
    socket.destroy();
  });

  test.each(["idle", "full"])("a client that leaves is told of once, and what is written then does no harm (%s)", async (state) => {
    const { socket, one, heard } = await ask(({ stream }) => stream.write("begin,"));
    await eventually(() => bodyOf(heard()) === "begin,", "the beginning");
    if (state === "full") {
      socket.pause();
      while (one.stream.hasRoom) {
        one.stream.write("x".repeat(65_536));
        await pause(0);
      }
    }
    socket.destroy();
    await eventually(() => one.lefts > 0, "word that the client has gone");
    one.stream.close();
    await pause(20);
    expect(one.lefts).toBe(1);
  });
});
