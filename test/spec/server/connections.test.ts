/** The clocks of clients' connections, each made short. A whole body may take ten times as long as a silence, so all sentences wait side by side. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { BodyClock } from "../../../src/request/body/clock.ts";
import { eventually } from "../../support/waits.ts";
import { type RuntimeName, startWeir, type Weir } from "../../support/weir.ts";
import { anthropic, openai } from "../dialects.ts";
import { KEY, World } from "../world.ts";

const CRLF = "\r\n";
/** The longest clock is that of a whole body, ten seconds; and a busy machine. */
const CUT_MS = 18_000;
const SHORT = { head_timeout: "1s", body_timeout: "1s", reader_timeout: "1s", idle_timeout: "1s" };

/** A connection that writes what the test wants, and notes what becomes of it. */
class Connection {
  readonly socket: Socket;
  text = "";
  closed = false;

  constructor(weir: Weir, text: string) {
    this.socket = connect(Number(new URL(weir.url).port), "127.0.0.1", () => this.socket.write(text, "latin1"));
    this.socket.on("data", (bytes: Buffer) => {
      this.text += bytes.toString("latin1");
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.closed = true;
    });
  }

  cut(what: string): Promise<void> {
    return eventually(() => this.closed, what, CUT_MS);
  }
}

function head(path: string, length: number | undefined, key = KEY): string {
  const lines = [`POST ${path} HTTP/1.1`, "Host: gw", `x-api-key: ${key}`, "content-type: application/json"];
  return [...lines, ...(length === undefined ? [] : [`content-length: ${length}`]), "", ""].join(CRLF);
}

function request(dialect: typeof openai, prompt: string, fields: Record<string, unknown> = {}): string {
  const body = JSON.stringify(dialect.body(prompt, fields));
  return head(dialect.path, body.length) + body;
}

/** Whether the gateway still holds its end of a connection: a client that does not read would not notice. */
function isHeld(weir: Weir, connection: Connection): boolean {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, "0");
  const ends = [Number(new URL(weir.url).port), connection.socket.localPort ?? 0].map((port) => `0100007F:${hex(port)}`);
  return readFileSync("/proc/net/tcp", "utf8").includes(` ${ends.join(" ")} 01 `);
}

const world = new World("bun");
/** Runtime and workers. */
const KINDS = [
  ["bun", 2],
  ["bun", 0],
  ["deno", 1],
] as const satisfies readonly [RuntimeName, number][];
const gateways = new Map<string, Weir>();
beforeAll(async () => {
  await world.start();
  for (const [runtime, workers] of KINDS)
    gateways.set(`${runtime} ${workers}`, await startWeir({ runtime, config: { ...world.configuration(SHORT), workers } }));
}, 30_000);
afterAll(() => {
  for (const weir of gateways.values()) weir.child.kill("SIGKILL");
  return world.stop();
});

function gateway(runtime: RuntimeName, workers: number): Weir {
  const weir = gateways.get(`${runtime} ${workers}`);
  if (weir === undefined) throw new Error("it has not been started");
  return weir;
}

for (const [runtime, workers] of KINDS) {
  describe(`connections of a gateway on ${runtime} with ${workers} workers`, () => {
    test.concurrent(
      "a connection that carried a call closes when it has been idle for long, after a whole answer and after a stream",
      async () => {
        const weir = gateway(runtime, workers);
        const connections = [false, true].flatMap((stream) =>
          [openai, anthropic].map((dialect) => new Connection(weir, request(dialect, "hello", { stream }))),
        );
        await Promise.all(connections.map((connection) => connection.cut("an idle connection to close")));
        for (const { text } of connections) expect(text).toStartWith("HTTP/1.1 200");
      },
      CUT_MS + 5_000,
    );

    test.concurrent(
      "a connection closes where no head comes, half a head, or a head bit by bit, on the first request and the second",
      async () => {
        const weir = gateway(runtime, workers);
        const first = `GET /healthz HTTP/1.1${CRLF}Host: gw${CRLF}${CRLF}`;
        const half = `GET /healthz HTTP/1.1${CRLF}x: `;
        const connections = ["", half, first, first + half].map((text) => new Connection(weir, text));
        const bits = setInterval(() => {
          for (const at of [1, 3]) if (!connections[at]?.closed) connections[at]?.socket.write("x");
        }, 200);
        await Promise.all(connections.map((connection) => connection.cut("a connection without a head to close")));
        clearInterval(bits);
        expect(connections.map(({ text }) => [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status))).toEqual([
          [],
          ["408"],
          ["200"],
          ["200", "408"],
        ]);
      },
      CUT_MS + 5_000,
    );

    test.concurrent(
      "a body that stops, or comes bit by bit, is refused with 408, in the dialect, and its connection closes",
      async () => {
        const weir = gateway(runtime, workers);
        const connections = [1_000, 100_000, 5_000_000].flatMap((length) =>
          [0, 500].map((everyMs) => ({ everyMs, connection: new Connection(weir, `${head(openai.path, length)}{`) })),
        );
        const bits = setInterval(() => {
          for (const { everyMs, connection } of connections) if (everyMs > 0 && !connection.closed) connection.socket.write(" ");
        }, 500);
        await Promise.all(connections.map(({ connection }) => connection.cut("a connection without a body to close")));
        clearInterval(bits);
        for (const { connection } of connections) {
          expect(connection.text).toStartWith("HTTP/1.1 408");
          expect(openai.error(connection.text.split(CRLF + CRLF)[1] ?? "").message).toContain("too long to arrive");
        }
        await weir.logged((line) => line.message === "request" && line.outcome === "body_timeout");
      },
      CUT_MS + 5_000,
    );

    test.concurrent(
      "a body that keeps coming for ten times as long is refused with 408, in the dialect, and its connection closes",
      async () => {
        const weir = gateway(runtime, workers);
        const connections = [openai, anthropic].map((dialect) => ({
          dialect,
          connection: new Connection(weir, head(dialect.path, 6_000_000)),
        }));
        const more = " ".repeat(40_000);
        const bits = setInterval(() => {
          for (const { connection } of connections) if (!connection.closed) connection.socket.write(more);
        }, 200);
        await Promise.all(connections.map(({ connection }) => connection.cut("the connection of a late body to close")));
        clearInterval(bits);
        for (const { dialect, connection } of connections) {
          expect(connection.text).toStartWith("HTTP/1.1 408");
          expect(dialect.error(connection.text.split(CRLF + CRLF)[1] ?? "").message).toContain("too long to arrive");
        }
        await weir.logged((line) => line.message === "request" && line.outcome === "body_timeout");
      },
      CUT_MS + 5_000,
    );

    for (const stream of [false, true]) {
      test.concurrent(
        `a client that takes nothing of a large answer is cut (${stream ? "a stream" : "in one piece"})`,
        async () => {
          const weir = gateway(runtime, workers);
          const connection = new Connection(weir, request(anthropic, "[sandbox: huge tokens=160000 pace=0]", { stream }));
          await eventually(() => connection.text !== "", "the answer to begin", CUT_MS);
          connection.socket.pause();
          await eventually(() => !isHeld(weir, connection), "the connection to be cut", CUT_MS);
          connection.socket.destroy();
        },
        2 * CUT_MS,
      );
    }

    test.concurrent(
      "an answer that takes longer than every clock of the connection still comes",
      async () => {
        const weir = gateway(runtime, workers);
        const connection = new Connection(weir, request(openai, "[sandbox: delay ms=4000] hello"));
        await eventually(() => connection.text !== "", "the answer", CUT_MS);
        expect(connection.text).toStartWith("HTTP/1.1 200");
        await connection.cut("the connection to close");
      },
      2 * CUT_MS,
    );
  });
}

test("a body is late after ten times the silence that it may keep; bodies end in the order in which they began, and one that has come does not", () => {
  const told: string[] = [];
  const sender = (name: string) => ({ late: () => void told.push(name) });
  const clock = new BodyClock(60_000);
  const [first, second, third] = [sender("first"), sender("second"), sender("third")];
  clock.begin(first, 0);
  clock.begin(second, 1_000);
  clock.begin(third, 1_500);
  clock.check(599_999);
  expect(told).toEqual([]);
  clock.check(600_000);
  expect(told).toEqual(["first"]);
  clock.end(second);
  clock.check(700_000);
  clock.check(800_000);
  expect(told).toEqual(["first", "third"]);
});
