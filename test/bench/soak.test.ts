/** `bun run soak`, short: nothing is left over under a mixed load; and what is leaked on purpose is found. */
import { describe, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { type Plan, type Result, soak } from "../../bench/soak/run.ts";
import { type Sample, SERIES, type SeriesName } from "../../bench/soak/samples.ts";
import { type Point, slopeOf } from "../../bench/soak/slope.ts";
import { findingsOf, table } from "../../bench/soak/verdict.ts";
import type { SoakWorld } from "../../bench/soak/world.ts";
import { Call } from "../spec/client.ts";
import { openai } from "../spec/dialects.ts";
import { haveRedis } from "../support/redis.ts";

const HOUR_MS = 3_600_000;
const SHORT: Plan = { runtime: "bun", ms: 8_000, spellMs: 500, warmUpMs: 1_000, callsPerSecond: 60, toggleMs: 2_000, settledMs: 2_000 };
/** What a few seconds can tell: how many there are, not how large a heap is. */
const COUNTED = (Object.keys(SERIES) as SeriesName[]).filter((name) => SERIES[name].rule === "none" || name === "otherDescriptors");
const title = "a mixed load leaves nothing behind, and whatever is held on purpose is found";

test.skipIf(!haveRedis)(
  haveRedis ? title : `${title} [not here: redis-server is not installed]`,
  async () => {
    const held: { destroy(): void }[] = [];
    const wrongIn = ({ findings }: Result) => findings.filter(({ name, wrong }) => COUNTED.includes(name) && wrong !== undefined);
    const [clean, leaky] = await Promise.all([
      soak(SHORT),
      soak({ ...SHORT, callsPerSecond: 2, settledMs: 300, mischief: async (world) => void held.push(...hold(world)) }),
    ]);
    for (const one of held) one.destroy();

    expect([clean.wrongAnswers, clean.faults, wrongIn(clean).map(({ wrong }) => wrong)]).toEqual([[], [], []]);
    // Each kind of call had its turn.
    expect(Object.values(clean.calls).reduce((sum, calls) => sum + calls, 0)).toBeGreaterThan(100);
    expect(Object.keys(clean.calls).length).toBeGreaterThan(10);

    const found = wrongIn(leaky).map(({ name }) => name);
    const planted = ["otherDescriptors", "clientConnections", "inFlight", "workerStreams", "reservedRequests", "reservedTokens"];
    expect(found.sort()).toEqual(planted.sort() as SeriesName[]);
  },
  60_000,
);

/** A stream that nobody ends, and a connection to the admin listener that nobody closes. */
function hold({ port, keys, weir }: SoakWorld): { destroy(): void }[] {
  const headers = { "content-type": "application/json", authorization: `Bearer ${keys.steady}` };
  const body = JSON.stringify(openai.body("[sandbox: tokens=50 stall after=3]", { stream: true }));
  const stream = new Call(port, { path: openai.path, headers, body });
  const socket: Socket = connect(Number(new URL(weir.adminUrl).port), "127.0.0.1");
  socket.on("error", () => {});
  socket.write("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
  return [{ destroy: () => stream.leave() }, socket];
}

describe("a slope", () => {
  const series = (count: number, valueAt: (nth: number) => number): Point[] =>
    Array.from({ length: count }, (_, nth) => ({ ms: (nth * HOUR_MS) / count, value: valueAt(nth) }));
  /** Noise that is the same in every run. */
  const noise = (nth: number) => Math.sin(nth * 12.9898) * 43758.5453 - Math.floor(Math.sin(nth * 12.9898) * 43758.5453) - 0.5;

  test("is that of the line through the points", () => {
    expect(slopeOf(series(10, (nth) => 5 + nth)).value).toBeCloseTo(10, 6);
    expect(slopeOf(series(10, () => 7))).toEqual({ value: 0, low: 0, high: 0 });
  });

  test("is told with an interval that holds the true one", () => {
    for (const perHour of [0, 3, -40]) {
      const { low, high } = slopeOf(series(60, (nth) => 100 + (perHour * nth) / 60 + 5 * noise(nth)));
      expect(low).toBeLessThanOrEqual(perHour);
      expect(high).toBeGreaterThanOrEqual(perHour);
    }
    expect(slopeOf(series(60, (nth) => 100 + nth + 5 * noise(nth))).low).toBeGreaterThan(40);
  });

  test("of a series that wanders is told with less confidence than one of mere noise", () => {
    let wandering = 0;
    const width = (points: Point[]) => {
      const { low, high } = slopeOf(points);
      return high - low;
    };
    const still = series(60, (nth) => noise(nth));
    const wanders = series(60, (nth) => {
      wandering = 0.9 * wandering + noise(nth);
      return wandering;
    });
    expect(width(wanders)).toBeGreaterThan(2 * width(still));
  });

  test("is not made of three points", () => {
    expect(() => slopeOf(series(3, (nth) => nth))).toThrow(/at least 4/);
  });
});

describe("the verdict of a soak", () => {
  const sample = (more: Partial<Sample> = {}): Sample => ({
    ...(Object.fromEntries(Object.keys(SERIES).map((name) => [name, 0])) as Sample),
    rss: 200,
    descriptors: 30,
    ...more,
  });
  const wrong = (sampleAt: (nth: number) => Sample, warmUpMs = 0) =>
    findingsOf(
      Array.from({ length: 8 }, (_, nth) => ({ ms: nth * 1_000, sample: sampleAt(nth) })),
      warmUpMs,
    ).flatMap((finding) => finding.wrong ?? []);

  test("is good where nothing changes, and after a warm-up in which all did", () => {
    expect(wrong(() => sample())).toEqual([]);
    expect(wrong((nth) => sample({ descriptors: nth < 3 ? nth : 30, inFlight: nth < 3 ? 1 : 0 }), 3_000)).toEqual([]);
  });

  test("names what grows, and what was left in a lull", () => {
    expect(wrong((nth) => sample({ descriptors: 30 + nth }))).toEqual([expect.stringMatching(/^file descriptors: grows by 3600 to 3600/)]);
    expect(wrong((nth) => sample({ redisBytes: 70 + nth * 0.001 }))).toEqual([]);
    expect(wrong((nth) => sample({ redisBytes: 70 + nth }))).toEqual([expect.stringMatching(/^what the keys in Redis take: grows/)]);
    expect(wrong((nth) => sample({ reservedTokens: nth === 5 ? 256 : 0 }))).toEqual([
      expect.stringMatching(/^reserved tokens: 256 left after 5 s/),
    ]);
  });

  test("is a row for each series", () => {
    const rows = table(
      findingsOf(
        Array.from({ length: 8 }, (_, nth) => ({ ms: nth * 1_000, sample: sample({ rss: 200 + nth }) })),
        0,
      ),
    ).split("\n");
    expect(rows).toHaveLength(2 + Object.keys(SERIES).length);
    expect(rows[2]).toMatch(/memory of the process.*\| 200 \| 207 \| 3600 \| .*grows \|$/);
  });
});
