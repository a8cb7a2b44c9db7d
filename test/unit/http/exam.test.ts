/** One exam over three servers: ours on the sockets of Bun, ours on those of `node:net`, and Node's as the witness. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { HttpServer } from "../../../src/http/server.ts";
import { CASES } from "./cases.ts";
import { converse, type Examined, echoing, ours, overNode, PATIENT, program, refusing } from "./examined.ts";
import { type Exceptions, NODE } from "./exceptions.ts";
import { verdictOf } from "./verdict.ts";
import { settled, TestWire } from "./wire.ts";

const DENO_PROGRAM = fileURLToPath(new URL("../../../node_modules/.bin/deno", import.meta.url));
/** Longer ones are cut at some places, and at each of their last hundred. */
const SHORT = 400;

const hasNode = spawnSync("node", ["--version"]).status === 0;

describe("Weir's server gives the same verdict however its bytes are cut", () => {
  const server = new HttpServer({
    clocks: PATIENT,
    maxConnections: 10,
    handle: echoing,
    refuse: refusing,
    onFault(thrown) {
      throw thrown;
    },
  });
  const read = async (pieces: readonly string[]): Promise<string[]> => {
    const wire = new TestWire(server);
    for (const piece of pieces) {
      wire.send(piece);
      if (pieces.length > 1) await settled();
    }
    await settled();
    expect(["shut", "closed"]).toContain(wire.state);
    wire.connection?.ended();
    expect([wire.state, server.count]).toEqual(["closed", 0]);
    return verdictOf(wire.received);
  };

  for (const { name, sent, verdict } of CASES)
    test(name, async () => {
      expect(await read([sent])).toEqual([...verdict]);
      const step = sent.length <= SHORT ? 1 : Math.ceil(sent.length / SHORT);
      for (let at = 1; at < sent.length; at += sent.length - at <= 100 ? 1 : step)
        expect([at, await read([sent.slice(0, at), sent.slice(at)])]).toEqual([at, [...verdict]]);
      if (sent.length <= SHORT) expect(await read([...sent])).toEqual([...verdict]);
    });
});

function examine(name: string, start: () => Examined | Promise<Examined>, exceptions: readonly Exceptions[], bitwise: boolean): void {
  describe(name, () => {
    let examined: Examined;
    beforeAll(async () => {
      examined = await start();
    });
    afterAll(() => examined.stop());

    const excepted = new Map(exceptions.flatMap(({ because, cases }) => cases.map((each) => [each, because] as const)));
    const run = async (pieces: readonly string[]): Promise<string[]> => {
      // Whoever leaves a connection open that should be closed is not waited for.
      const received = await converse(examined.port, pieces, 1_500).catch(() => "stays open");
      return verdictOf(received);
    };
    for (const each of CASES) {
      const because = excepted.get(each.name);
      test.concurrent(because === undefined ? each.name : `${each.name}: differs, for ${because}`, async () => {
        const ways = bitwise && each.sent.length <= SHORT ? [[each.sent], [...each.sent]] : [[each.sent]];
        for (const pieces of ways) {
          const verdict = await run(pieces);
          if (because === undefined) expect(verdict).toEqual([...each.verdict]);
          else expect(verdict).not.toEqual([...each.verdict]);
        }
      });
    }
    test("every exception names a case that exists", () => {
      for (const excepting of excepted.keys()) expect(CASES.map((each) => each.name)).toContain(excepting);
    });
  });
}

examine("ours on Bun's sockets", () => ours(), [], true);
examine("ours on node:net", () => overNode(), [], true);
if (hasNode) examine("node:http, the witness", () => program("node", ["test/unit/http/echo-node.mjs"]), NODE, false);
else test.skip("node:http, the witness: there is no Node on this machine", () => {});
if (existsSync(DENO_PROGRAM))
  examine("ours on Deno", () => program(DENO_PROGRAM, ["run", "-A", "--no-lock", "test/unit/http/echo-deno.ts"]), [], true);
