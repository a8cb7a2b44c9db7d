/** What large and packed bodies of one workspace cost the calls of another: a part of a processor, and no standing still. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { eventually } from "../../support/waits.ts";
import { keyEntry, startWeir, type Weir } from "../../support/weir.ts";

const KEYS = { greedy: "weir_large_greedy_Hk7Xq2Lw5Rb8", other: "weir_large_other_Qn3Tq6Mw1Kd9" };
const MIB = 1024 * 1024;
const CALLS = 15;

let sandbox: Sandbox;
let weir: Weir;
beforeAll(async () => {
  sandbox = await startSandbox();
  weir = await startWeir({
    config: {
      workers: 1,
      upstreams: { b: bedrockIn("eu", sandbox) },
      models: { m: { targets: [{ upstream: "b", model: HAIKU }] } },
      workspaces: {
        greedy: { default_region: "eu", keys: [keyEntry("k", KEYS.greedy)] },
        other: { default_region: "eu", limits: { rpm: 10_000, tpm: 10_000_000 }, keys: [keyEntry("k", KEYS.other)] },
      },
    },
  });
}, 30_000);
afterAll(async () => {
  await weir.stop("SIGKILL");
  await sandbox.close();
});

const body = (content: string) => `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"${content}"}]}`;

async function ask(
  key: string,
  sent: Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string> = {},
): Promise<{ status: number; ms: number }> {
  const startedMs = performance.now();
  const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": key, "content-type": "application/json", ...headers },
    body: sent,
  });
  await answer.arrayBuffer();
  return { status: answer.status, ms: performance.now() - startedMs };
}

/** A request with a further member, as it is written in JSON. */
const besides = (value: string) => `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"more":${value}}`;

const median = (values: number[]) => values.sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

const ATTACKS: Record<string, [callers: number, sent: () => Uint8Array<ArrayBuffer>, headers: Record<string, string>]> = {
  "escaped quotes": [2, () => Buffer.from(body('\\"'.repeat(10 * MIB))), {}],
  "names that are all different": [
    2,
    () =>
      Buffer.from(
        `{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}],"more":{${Array.from({ length: 230_000 }, (_, at) => `"k${at}${"z".repeat(80)}":0`)}}}`,
      ),
    {},
  ],
  // Above what the front checks, and below what the threads for large bodies check.
  "brackets, of 120 KiB": [16, () => Buffer.from(besides("[".repeat(60_000) + "]".repeat(60_000))), {}],
  "brackets, of almost a MiB": [16, () => Buffer.from(besides("[".repeat(490_000) + "]".repeat(490_000))), {}],
  "packed nothing": [6, () => gzipSync(Buffer.from(body(" ".repeat(30 * MIB)))), { "content-encoding": "gzip" }],
};

test.each(Object.entries(ATTACKS))(
  "while one workspace sends large bodies of %s, another's calls take a small part of their time",
  async (_kind, [callers, sent, headers]) => {
    const large = sent();
    // Starts the thread for them.
    expect((await ask(KEYS.greedy, large, headers)).status).toBe(413);
    let running = true;
    const largeMs: number[] = [];
    const attack = Promise.all(
      Array.from({ length: callers }, async () => {
        while (running) {
          const { status, ms } = await ask(KEYS.greedy, large, headers);
          if (status === 413) largeMs.push(ms);
        }
      }),
    );
    await eventually(() => largeMs.length > 0, "the attack to have begun");
    const smallMs: number[] = [];
    for (let call = 0; call < CALLS; call++) {
      const { status, ms } = await ask(KEYS.other, body("hello"));
      expect(status).toBe(200);
      smallMs.push(ms);
    }
    running = false;
    await attack;
    expect(largeMs.length).toBeGreaterThan(0);
    // They waited behind them: as long as one takes, and longer.
    expect(median(smallMs)).toBeLessThan(median(largeMs) / 4);
  },
  30_000,
);
