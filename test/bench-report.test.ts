/** The report of the benchmark: a page that stands alone, whatever the result holds. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { page } from "../bench/report/page.ts";
import type { BenchResult, ScenarioResult } from "../bench/result.ts";

const folder = mkdtempSync(join(tmpdir(), "weir-report-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const calls: ScenarioResult = {
  name: "openai-2kb",
  title: "OpenAI, 2 kB",
  limiter: "redis",
  variants: [
    { variant: "direct", measures: { p50Ms: [0.1, 0.2, 0.3] } },
    { variant: "bare", measures: { p50Ms: [0.4, 0.5, 0.6], cpuMicros: [40, 50, 60] } },
    { variant: "weir", measures: { p50Ms: [0.9, 1, 1.1], cpuMicros: [90, 75, 70] } },
  ],
};

const result = (change: Partial<BenchResult> = {}): BenchResult => ({
  startedAt: "2026-11-24T10:00:00.000Z",
  commit: "abc1234",
  machine: { processors: 2, model: "Xeon", kernel: "6.1", memoryGiB: 16 },
  versions: { weir: "0.1.0" },
  arguments: ["--rounds", "3"],
  rounds: 3,
  scenarios: [calls],
  notRun: [],
  ...change,
});

const count = (text: string, part: RegExp): number => [...text.matchAll(part)].length;

/** Every element that is opened is closed, in order: what a lenient parser would mend, and read otherwise than meant. */
function unbalanced(html: string): string[] {
  const open: string[] = [];
  const wrong: string[] = [];
  for (const [, slash, name = "", rest = ""] of html.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:[^<>"]|"[^"]*")*)>/g)) {
    if (/^(meta|br|img)$/.test(name) || rest.endsWith("/")) continue;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}

describe("the report", () => {
  test("has one chart with a name and a description, and one table, for every measure", () => {
    const html = page(result());
    expect(unbalanced(html)).toEqual([]);
    expect(count(html, /<svg /g)).toBe(2);
    expect(count(html, /<figure>/g)).toBe(2);
    expect(html).toContain('<title id="openai-2kb-cpuMicros-title">OpenAI, 2 kB: CPU µs per request</title>');
    expect(html).toContain("bare 50.0 (40.0 to 60.0); weir 75.0 (70.0 to 90.0)");
    expect(count(html, /<table aria-label="OpenAI, 2 kB: /g)).toBe(2);
    expect(html).toContain('<th scope="row">weir</th><td>75.0</td><td>70.0–90.0</td><td>1.50 ×</td>');
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("draws a bar as long as its median and a whisker as long as its spread", () => {
    const html = page(result());
    const svg = html.slice(html.indexOf("<svg"), html.indexOf("</svg>"));
    const bars = [...svg.matchAll(/<path d="M([\d.]+) [\d.]+l([\d.]+) 0[^"]*" fill="var\(--(?:bar|subject)\)"/g)];
    const [bare = Number.NaN, weir = Number.NaN] = bars.map(([, , width]) => Number(width));
    expect(weir / bare).toBeCloseTo(75 / 50, 2);
    const whisker = /<path d="M([\d.]+) ([\d.]+)L([\d.]+) \2" [^>]*stroke="var\(--ink\)"/.exec(svg);
    expect((Number(whisker?.[3]) - Number(whisker?.[1])) / bare).toBeCloseTo(20 / 50, 2);
  });

  test("loads nothing, and forbids to", () => {
    const html = page(result()).replaceAll('xmlns="http://www.w3.org/2000/svg"', "");
    expect(html).toContain("default-src 'none'; style-src 'unsafe-inline'");
    expect(html).not.toMatch(/https?:|\bsrc=|url\(|@import|<(?:script|link|img|iframe|object)\b/i);
    for (const [, target] of html.matchAll(/href="([^"]*)"/g)) expect(target).toStartWith("#");
  });

  test("holds nothing of a result as markup", () => {
    const evil = `"><script>alert('x')</script><b onload="y" \u0000`;
    const measures: Record<string, number[]> = { cpuMicros: [1], [evil]: [2] };
    const html = page(
      result({
        startedAt: evil,
        commit: evil,
        machine: { processors: 1, model: evil, kernel: evil, memoryGiB: 1 },
        versions: { [evil]: evil },
        arguments: [evil],
        scenarios: [0, 1].map(() => ({ name: evil, title: evil, limiter: "off", variants: [{ variant: evil, measures }] })),
        notRun: [{ what: evil, why: evil }],
      }),
    );
    expect(html).not.toMatch(/<script|<b /);
    expect(html).not.toContain("\u0000");
    expect(unbalanced(html)).toEqual([]);
    expect(count(html, /<svg /g)).toBe(4);
    const ids = [...html.matchAll(/ id="([^"]*)"/g)].map(([, id = ""]) => id);
    expect(ids.filter((id) => !/^[A-Za-z0-9-]+$/.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test("does without a variant, a measure, a figure or a scenario", () => {
    const [, , weir] = calls.variants;
    const alone = page(result({ scenarios: [{ ...calls, variants: weir === undefined ? [] : [weir] }] }));
    expect(alone).toContain("<td>75.0</td><td>70.0–90.0</td><td>–</td>");
    const empty = page(result({ scenarios: [{ ...calls, variants: [{ variant: "weir", measures: { cpuMicros: [] } }] }] }));
    expect(empty).toContain("Nothing was measured.");
    expect(count(empty, /<svg /g)).toBe(0);
    expect(unbalanced(page(result({ scenarios: [] })))).toEqual([]);
  });

  test("compares figures of the same round, and then takes the median", () => {
    const measured = (variant: string, cpuMicros: number[]) => ({ variant, measures: { cpuMicros } });
    const html = (weir: number[]) =>
      page(result({ scenarios: [{ ...calls, variants: [measured("bare", [10, 20, 40]), measured("weir", weir)] }] }));
    expect(html([30, 20, 40])).toContain("<td>1.00 ×</td>");
    expect(html([30, 40])).toContain("<td>1.75 ×</td>");
  });

  test("tells of a difference how much more it is, below nothing as well", () => {
    const measured = (variant: string, riseP99Ms: number[]) => ({ variant, measures: { riseP99Ms } });
    const html = page(result({ scenarios: [{ ...calls, variants: [measured("bare", [-0.5]), measured("weir", [1])] }] }));
    expect(html).toContain("<td>1.00</td><td>1.00–1.00</td><td>+1.50</td>");
    expect(html).toContain("-0.50 to -0.50");
  });

  test("names what was not run, and why", () => {
    expect(page(result({ notRun: [{ what: "bifrost", why: "go is not installed" }] }))).toContain(
      "<li><strong>bifrost</strong>: go is not installed</li>",
    );
  });
});

describe("the report's command line", () => {
  const run = (...words: string[]) =>
    Bun.spawnSync([process.execPath, join(import.meta.dir, "../bench/report.ts"), ...words], { stderr: "pipe", stdout: "pipe" });
  const file = join(folder, "result.json");
  writeFileSync(file, JSON.stringify(result()));

  test("writes the page, and the charts as files that bring their colours", () => {
    const [html, svg] = [join(folder, "out.html"), join(folder, "svg")];
    expect(run(file, html, "--svg", svg).exitCode).toBe(0);
    expect(readFileSync(html, "utf8")).toBe(page(result()));
    expect(readdirSync(svg).sort()).toEqual(["openai-2kb-cpuMicros.svg", "openai-2kb-p50Ms.svg"]);
    const one = readFileSync(join(svg, "openai-2kb-p50Ms.svg"), "utf8");
    expect(one).toStartWith('<svg xmlns="http://www.w3.org/2000/svg" ');
    expect(one).toContain("prefers-color-scheme: dark");
    expect(unbalanced(one)).toEqual([]);
  });

  test("writes only the charts that are asked for, and tells of one that there is none of", () => {
    const svg = join(folder, "some");
    expect(run(file, join(folder, "x.html"), "--svg", svg, "--only", "openai-2kb-p50Ms").exitCode).toBe(0);
    expect(readdirSync(svg)).toEqual(["openai-2kb-p50Ms.svg"]);
    const missing = run(file, join(folder, "x.html"), "--svg", svg, "--only", "openai-2kb-p99Ms");
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr.toString()).toContain("nothing was measured that would be openai-2kb-p99Ms");
  });

  test("tells what is wrong with a file that is no result, and where", () => {
    const wrong = join(folder, "wrong.json");
    writeFileSync(
      wrong,
      JSON.stringify({ ...result(), scenarios: [{ ...calls, variants: [{ variant: "weir", measures: { p50Ms: ["1"] } }] }] }),
    );
    const told = run(wrong, join(folder, "x.html"));
    expect(told.exitCode).toBe(2);
    expect(told.stderr.toString()).toContain("/scenarios/0/variants/0/measures/p50Ms/0: Expected number");
  });
});
