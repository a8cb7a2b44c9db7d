/** The report of the benchmark: a page that stands alone, whatever the result holds. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writePage } from "../../bench/page.ts";
import { PEER_VERSIONS } from "../../bench/peers/versions.ts";
import { pictures } from "../../bench/report/overviews.ts";
import { page } from "../../bench/report/page.ts";
import { explained } from "../../bench/report/variants.ts";
import type { BenchResult, ScenarioResult } from "../../bench/result.ts";
import { VARIANTS } from "../../bench/variants/index.ts";

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

/** What is no tag with quoted attributes, no text and no entity that XML knows: an image is read by a strict parser. */
const unreadable = (svg: string): string =>
  svg.replace(
    /<\/?[a-zA-Z][\w-]*(?:\s+[\w:-]+="[^"<&]*(?:&(?:amp|lt|gt|quot|#\d+);[^"<&]*)*")*\s*\/?>|[^<&]|&(?:amp|lt|gt|quot|#\d+);/g,
    "",
  );

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

  test("explains the variants that it has figures of, and no other", () => {
    const html = page(result());
    expect(html).toMatch(
      /<h2>Variants<\/h2>\s*<dl>\s*<dt>direct<\/dt><dd>no gateway[^<]*<\/dd>\s*<dt>bare<\/dt><dd>[^<]*<\/dd>\s*<dt>weir<\/dt>/,
    );
    expect(html).not.toMatch(/<dt>(?:nginx|inline|litellm)<\/dt>/);
    const everyone = [...VARIANTS.map(({ name }) => name), "nginx", ...Object.keys(PEER_VERSIONS), "against"];
    const measured = everyone.map((variant) => ({ variant, measures: {} }));
    const told = explained(result({ scenarios: [{ ...calls, variants: measured }] }));
    expect(told.map(([name]) => name)).toEqual([...new Set(everyone)]);
    for (const [name, meaning] of told) expect([name, meaning]).not.toEqual([name, "not described"]);
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

describe("the pictures of the documentation", () => {
  const one = (name: string, from = result()): string => pictures(from).find((picture) => picture.name === name)?.svg ?? "";
  const measured = (name: string, title: string, figures: Record<string, Record<string, number[]>>): ScenarioResult => {
    const variants = Object.entries(figures).map(([variant, measures]) => ({ variant, measures }));
    return { name, title, limiter: "redis", variants };
  };
  const several = result({
    scenarios: [
      { ...calls, variants: [...calls.variants, { variant: "litellm", measures: { cpuMicros: [9000, 9100, 9200] } }] },
      measured("bedrock-burst", "Bedrock, streams", { bare: { cpuMicrosPerChunk: [2] }, weir: { cpuMicrosPerChunk: [2.6] } }),
      measured("openai-caller", "OpenAI, one caller", { weir: { addedP50Ms: [0.25], addedP99Ms: [1.25], addedToBareP50Ms: [0.2] } }),
    ],
  });

  test("are of what was measured, and none of what was not", () => {
    expect(pictures(several).map(({ name }) => name)).toEqual(["targets", "cpu-per-request", "cpu-per-chunk", "added-latency"]);
    expect(pictures(result({ scenarios: [] }))).toEqual([]);
  });

  test("name each scenario and variant, and the run, beside its figures", () => {
    const svg = one("cpu-per-request");
    for (const text of ["OpenAI, 2 kB", "openai-2kb", "bare", "weir", "50.0", "75.0"]) expect(svg).toContain(`>${text}</text>`);
    expect(svg).toContain("2026-11-24, commit abc1234, 2 × Xeon, 3 rounds");
    const latency = one("added-latency", several);
    for (const text of ["0.25", "1.25", "openai-caller, added to direct, p50 ms"]) expect(latency).toContain(`>${text}</text>`);
  });

  test("draw each target's figure on the scale of its target, and tell whether it is met", () => {
    const svg = one("targets", several);
    expect(svg).toContain(">1.50 ×, aimed at ≤ 1.50: met</text>");
    expect(svg).toContain(">0.20 ms, aimed at ≤ 0.20: met</text>");
    const bars = [...svg.matchAll(/<path d="M190 [\d.]+l([\d.]+) 0l0 12[^"]*" fill="#0b6e8f"/g)].map(([, width]) => Number(width));
    const [request = 0, latency = 0, chunk = 0] = bars;
    expect(request / chunk).toBeCloseTo(1.5 / 1.5 / (1.3 / 1.4), 2);
    expect(latency / request).toBeCloseTo(0.2 / 0.2 / (1.5 / 1.5), 2);
  });

  test("cut off what takes many times as much, and say so and how much", () => {
    const svg = one("cpu-per-request", several);
    expect(svg).toContain(">› 9100</text>");
    expect(svg).toContain("a bar marked › is longer than there is room for");
    expect(one("cpu-per-request")).not.toContain("›");
    const throughput = measured("openai-2kb", "OpenAI", { direct: { requestsPerSecond: [90] }, weir: { requestsPerSecond: [9] } });
    expect(one("requests-per-second", result({ scenarios: [throughput] }))).not.toContain("›");
  });

  test("bring their colours and their ground, are well-formed, and are the same each time", () => {
    const evil = `"><script>alert('x')</script>&\u0000`;
    const odd = result({ commit: evil, scenarios: [{ ...calls, title: evil, name: evil }] });
    for (const from of [several, odd]) {
      for (const { svg } of pictures(from)) {
        expect(unreadable(svg)).toBe("");
        expect(svg).not.toContain("\u0000");
        expect(unbalanced(svg)).toEqual([]);
        expect(svg).toMatch(/<rect width="\d+" height="\d+" fill="#ffffff"\/>/);
        expect(svg).not.toMatch(/var\(|<script|NaN|undefined/);
        const ids = [...svg.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
        expect(new Set(ids).size).toBe(ids.length);
      }
      expect(pictures(from)).toEqual(pictures(from));
    }
  });

  test("stand in the page with what they show, in place of those of an earlier run", () => {
    const docs = join(folder, "docs");
    mkdirSync(docs);
    writeFileSync(join(docs, "benchmarks.md"), "# A\n<!-- written by bun run bench -- --write-docs -->\n<!-- end -->\nB\n");
    writePage(several, docs);
    writePage(result(), docs);
    const written = readFileSync(join(docs, "benchmarks.md"), "utf8");
    const shown = [...written.matchAll(/^!\[([^\]]+)\]\((benchmarks\/[\w-]+\.svg)\)$/gm)];
    expect(shown.map(([, , file]) => file)).toEqual(["benchmarks/targets.svg", "benchmarks/cpu-per-request.svg"]);
    expect(shown[0]?.[1]).toContain("1 of 1 are met");
    expect(shown[1]?.[1]).toStartWith("CPU per request, µs, of bare, weir, in openai-2kb.");
    for (const [, , file = ""] of shown) expect(existsSync(join(docs, file)), file).toBe(true);
    expect(readdirSync(join(docs, "benchmarks"))).toHaveLength(2);
    expect(written).toEndWith("<!-- end -->\nB\n");
  });
});

describe("the report's command line", () => {
  const run = (...words: string[]) =>
    Bun.spawnSync([process.execPath, join(import.meta.dir, "../../bench/report.ts"), ...words], { stderr: "pipe", stdout: "pipe" });
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
    expect(missing.stderr.toString()).toContain("nothing was measured for openai-2kb-p99Ms");
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
