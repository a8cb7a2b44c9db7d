/** Upstreams that send as fast as they can, many at a time: each has its share of a thread, and no more in one turn of it. */
import { expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { HttpEvents } from "../../../../workers/wire/http.ts";
import { createHttp1Client } from "../../../../workers/wire/http1.ts";
import { PORTION_BYTES, Portions } from "../../../../workers/wire/portions.ts";
import { eventually } from "../../../support/waits.ts";

const TIMEOUTS = { connectMs: 5_000, firstByteMs: 5_000, silenceMs: 5_000, totalMs: 20_000 };
const CALLS = 12;
/** For each KiB. */
const COST_MS = 0.01;
const ANSWER = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, at) => (at * 7 + (at >> 11)) & 0xff));

test("a call takes portions, in turns with the others, and every byte comes, in order", async () => {
  const server = createServer((request, response) => {
    response.sendDate = false;
    // With its length, in chunks, and as long as the connection lasts.
    if (request.url === "/length") response.setHeader("content-length", ANSWER.length);
    if (request.url === "/close") response.setHeader("connection", "close");
    for (let at = 0; at < ANSWER.length; at += 100_000) response.write(ANSWER.subarray(at, at + 100_000));
    response.end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = { tls: false, host: "127.0.0.1", port: (server.address() as AddressInfo).port, ca: undefined };
  const client = createHttp1Client({ sockets: "native" });
  let turn = 0;
  let running = true;
  let begunMs = performance.now();
  const lengths = new Map<number, number>();
  const tick = () => {
    lengths.set(turn, performance.now() - begunMs);
    begunMs = performance.now();
    turn++;
    if (running) setImmediate(tick);
  };
  tick();
  const took: { turn: number; bytes: number }[] = [];
  const ask = (path: string) =>
    new Promise<Buffer>((resolve, reject) => {
      const parts: Buffer[] = [];
      const events: HttpEvents = {
        head: () => {},
        chunk: (bytes) => {
          took.push({ turn, bytes: bytes.length });
          parts.push(Buffer.from(bytes));
          // As a stream's events are dear to read.
          const untilMs = performance.now() + (bytes.length / 1024) * COST_MS;
          while (performance.now() < untilMs);
        },
        end: () => resolve(Buffer.concat(parts)),
        fail: ({ text }) => reject(new Error(text)),
      };
      client.send({ origin, method: "POST", path, headers: ["host", "h"], body: "{}" }, TIMEOUTS, events);
    });
  try {
    for (const path of ["/length", "/chunks", "/close", "/length"]) {
      const answers = await Promise.all(Array.from({ length: CALLS }, () => ask(path)));
      for (const answer of answers) expect(answer.equals(ANSWER)).toBe(true);
    }
    expect(Math.max(...took.map(({ bytes }) => bytes))).toBeLessThanOrEqual(PORTION_BYTES);
    // Half a megabyte of each of twelve sockets was up to 60 ms.
    const turns = [...new Set(took.map(({ turn }) => turn))].map((at) => lengths.get(at) ?? 0).sort((one, other) => one - other);
    expect(turns[Math.floor(turns.length * 0.9)]).toBeLessThan(40);
  } finally {
    running = false;
    client.close();
    server.closeAllConnections();
    server.close();
  }
}, 20_000);

test("they take turns, whatever one of them throws", async () => {
  const portions = new Portions();
  const order: string[] = [];
  const faults: string[] = [];
  const one = (name: string, times: number) => ({
    takePortion: () => {
      order.push(name);
      times -= 1;
      if (name === "b") throw new Error("a fault of ours");
      return times > 0;
    },
    fault: (thrown: unknown) => void faults.push(`${name}: ${(thrown as Error).message}`),
  });
  portions.add(one("a", 3));
  portions.add(one("b", 3));
  portions.add(one("c", 2));
  await eventually(() => order.length >= 6, "all portions");
  expect(order).toEqual(["a", "b", "c", "a", "c", "a"]);
  expect(faults).toEqual(["b: a fault of ours"]);
});
