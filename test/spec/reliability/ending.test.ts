/** A gateway that is asked to end while many clients are reading. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { DIALECTS } from "../dialects.ts";
import { World } from "../world.ts";

const STREAMS = 200;
/** Streams that would go on for ever: one of so many. */
const EVERY = 4;
const DRAIN_MS = 4_000;

const world = new World("bun");
beforeAll(() => world.start(), 30_000);
afterAll(() => world.stop());

test("SIGTERM under 200 streams: those that end in time are whole, the others end with an error event, none without a word", async () => {
  const weir = await world.another({ server: { drain_grace: "0s", drain_timeout: `${DRAIN_MS}ms` } });
  const calls = Array.from({ length: STREAMS }, (_, nth) => {
    const dialect = DIALECTS[nth % DIALECTS.length] as (typeof DIALECTS)[number];
    const isEndless = nth % EVERY === 0;
    const prompt = isEndless ? "[sandbox: tokens=50 stall after=3]" : "[sandbox: tokens=50 pace=30]";
    return { dialect, isEndless, call: world.open(dialect, { stream: true, prompt }, weir) };
  });
  await Promise.all(calls.map(({ call, dialect }) => call.until((text) => dialect.streamedText(text) !== "")));
  const startedMs = performance.now();
  const ended = weir.stop("SIGTERM");
  for (const { call, dialect, isEndless } of calls) {
    const { status, text, whole } = await call.answered;
    const error = dialect.streamedError(text)?.message ?? "";
    expect({ status, whole, isComplete: dialect.isComplete(text), isTold: /restarting/.test(error) }).toEqual({
      status: 200,
      whole: true,
      isComplete: !isEndless,
      isTold: isEndless,
    });
  }
  expect(await ended).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(DRAIN_MS + 3_000);
  const outcomes = weir.log().flatMap(({ message, outcome }) => (message === "request" ? [String(outcome)] : []));
  const count = (wanted: string) => outcomes.filter((outcome) => outcome === wanted).length;
  expect([count("ok"), count("draining")]).toEqual([STREAMS - STREAMS / EVERY, STREAMS / EVERY]);
}, 30_000);
