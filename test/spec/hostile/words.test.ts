/** What an upstream says of a failure, where it is far too long: soon over, and cut before it reaches another thread. */
import { expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import type { DialectName } from "../../../src/contract/dialect.ts";
import { cpuMsOf } from "../../support/clock.ts";
import { exceptionFrame } from "../../unit/workers/providers/frames.ts";
import { CLOUDS, sceneOf } from "./scene.ts";

/** 1.6 MB: four of them fit into one event. */
const LONG = "too many tokens ".repeat(100_000);
/** Processor time. With a cost that grew by the square of the length, 1 MB took more than a second and 4 MB took 20 seconds. */
const SOON_MS = 1_000;
const MOST_TOLD = 40_000;

const error = JSON.stringify({ type: "error", error: { type: LONG, message: LONG, code: LONG, param: LONG } });
const WAYS: [string, "azure" | "bedrock", DialectName, boolean, number, Buffer][] = [
  ["an exception frame", "bedrock", "anthropic", true, 200, exceptionFrame("throttlingException", JSON.stringify({ message: LONG }))],
  ["a whole answer that is an error", "bedrock", "anthropic", false, 200, Buffer.from(error)],
  ["an error event", "azure", "openai", true, 200, Buffer.from(`data: ${error}\n\n`)],
  ["an answer with a bad status", "bedrock", "unified", false, 400, Buffer.from(error)],
  ["an answer with a bad status", "azure", "openai", false, 400, Buffer.from(error)],
  [
    "an answer of 60 kB with a bad status",
    "azure",
    "openai",
    false,
    400,
    Buffer.from(JSON.stringify({ error: { message: LONG.slice(0, 60_000) } })),
  ],
];

for (const [what, cloud, dialect, stream, status, bytes] of WAYS) {
  test(`${cloud}: ${what} with words without end is reported at once, and cut`, async () => {
    const { events, end, detail } = await sceneOf(CLOUDS[cloud], dialect, { stream });
    const tookMs = cpuMsOf(() => {
      events.head(status, new Map([["x-amzn-errortype", LONG.slice(0, 16_000)]]));
      for (let at = 0; at < bytes.length; at += 65_536) events.chunk(bytes.subarray(at, at + 65_536));
      events.end();
    });
    expect(tookMs).toBeLessThan(SOON_MS);
    expect(end()).toStartWith("upstream_");
    expect(detail().length).toBeLessThan(MOST_TOLD);
  });
}
