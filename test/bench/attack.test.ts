/** `bun run attack`, short: a flood happens and is looked at, and its figures are judged. What they are on a quiet machine is in docs/security.md. */
import { describe, expect, test } from "bun:test";
import { HUGE, LARGE, MODERATE, SMALL } from "../../bench/attack/bodies.ts";
import { FILLS, FLOODS } from "../../bench/attack/floods.ts";
import { attack, type Row } from "../../bench/attack/run.ts";
import { boundsOf, quietOf, wrongIn, wrongInFill } from "../../bench/attack/verdict.ts";

test.skipIf(process.platform !== "linux")(
  "a flood is answered as it was meant to be, the neighbour's calls are good ones, and the gateway has no fault",
  async () => {
    const { rows, fills, faults } = await attack({
      runtime: "bun",
      workers: 1,
      seconds: 0.5,
      floods: ["large-deep"],
      fills: ["40 answers of 60 MiB that never end"],
    });
    const [row] = rows;
    expect(faults).toEqual([]);
    expect([row?.quiet.wrong, row?.during.wrong]).toEqual([{}, {}]);
    expect([row?.quiet.calls, row?.during.calls]).toEqual([50, 50]);
    // Refused by the limit, which a worker had to weigh it for.
    expect(Object.keys(row?.answers ?? {})).toEqual(["413"]);
    for (const { peakMb } of [...rows, ...fills]) expect(peakMb).toBeWithin(50, 1_024);
  },
  30_000,
);

describe("the bodies of an attack", () => {
  // Those with many pieces are smaller, as there is a bound of those.
  for (const [size, bodies, least, most] of [
    ["small", SMALL, 17_000, 64 * 1024],
    ["moderate", MODERATE, 60_000, 256 * 1024],
    ["large", LARGE, 500_000, 1024 * 1024],
    ["huge", HUGE, 700_000, 32 * 1024 * 1024],
  ] as const)
    test(`${size} ones have their size`, () => {
      for (const [name, make] of Object.entries(bodies)) {
        const length = Buffer.byteLength(make() as string);
        expect([name, length >= least && length <= most ? "fits" : length]).toEqual([name, "fits"]);
      }
    }, 30_000);

  test("every flood says what it is, and none has the name of another", () => {
    const whats = Object.values(FLOODS).map(({ what }) => what);
    expect(new Set(whats).size).toBe(whats.length);
    expect(Object.keys(FILLS).length).toBe(Object.keys(HUGE).length + 3);
  });
});

describe("the verdict of an attack", () => {
  const took = (p99: number, largeP90 = 5) => ({ calls: 100, wrong: {}, p50: 1, p99, largeP50: 3, largeP90 });
  const row = (name: string, p99: number, more: Partial<Row> = {}): Row => ({
    name,
    quiet: took(6),
    during: took(p99),
    answers: { 413: 100 },
    peakMb: 400,
    ...more,
  });
  const judged = (rows: Row[]) => {
    const quiet = quietOf(rows);
    return rows.flatMap((one) => wrongIn(one, quiet, boundsOf(rows, quiet)));
  };

  test("is good up to three times the p99 without, and up to what good calls do", () => {
    expect(judged([row("large-deep", 17.9)])).toEqual([]);
    expect(judged([row("large-deep", 19)])).toEqual(["large-deep: p99 19.0 ms, 3.2 times as long as without it; the bound is 18.0 ms"]);
    expect(judged([row("good", 20, { answers: { 200: 9 } }), row("large-deep", 24)])).toEqual([]);
    expect(judged([row("good", 20, { answers: { 200: 9 } }), row("large-deep", 26)])).toHaveLength(1);
  });

  test("is bad where the neighbour's large calls wait, where its calls fail, where memory goes too far, and where nothing was shown", () => {
    expect(judged([row("large-deep", 5, { during: took(5, 16) })])[0]).toContain("large calls");
    expect(judged([row("large-deep", 5, { during: { ...took(5), wrong: { 503: 2 } } })])[0]).toContain('{"503":2} of 100');
    expect(judged([row("large-deep", 5, { peakMb: 1_025 })])).toEqual(["large-deep: 1025 MB"]);
    expect(judged([row("large-deep", 5, { answers: {} })])[0]).toContain("not the expected ones");
    expect(judged([row("large-deep", 5, { answers: { 413: 5, 404: 5 } })])[0]).toContain("not the expected ones");
    expect(wrongInFill({ name: "x", answers: {}, peakMb: 1_025 })).toEqual(["x: 1025 MB"]);
    expect(wrongInFill({ name: "x", answers: {}, peakMb: 1_024 })).toEqual([]);
  });
});
