/** The benchmark itself: all its scenarios give right answers, wrong ones fail it, and what it says of a run is what the run found. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readArguments } from "../../bench/arguments.ts";
import { changes } from "../../bench/compare.ts";
import { joined } from "../../bench/joined.ts";
import { withTables } from "../../bench/page.ts";
import { type BenchResult, median, quantile, type VariantResult } from "../../bench/result.ts";
import { SCENARIOS } from "../../bench/scenarios/index.ts";
import { targetRows } from "../../bench/table.ts";
import { reached, TARGET_SCENARIOS, TARGETS } from "../../bench/targets.ts";
import { type MessageListener, MessageReader } from "../../bench/wire.ts";

const MAIN = join(import.meta.dir, "../../bench/main.ts");
const folder = mkdtempSync(join(tmpdir(), "weir-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function bench(...all: (string | Record<string, string>)[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const words = all.filter((word) => typeof word === "string");
  const environment = Object.assign({}, process.env, ...all.filter((word) => typeof word === "object"));
  const child = Bun.spawn([process.execPath, MAIN, ...words], { stdout: "pipe", stderr: "pipe", env: environment });
  const [stdout, stderr, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
  return { code, stdout, stderr };
}

// The processes that it measures are read in /proc.
describe.skipIf(process.platform !== "linux")("bun run bench", () => {
  test("a look at every scenario finds right answers, or says why it was not run", async () => {
    const file = join(folder, "smoke.json");
    const { code, stdout, stderr } = await bench("--smoke", "--json", file);
    expect(code, stderr).toBe(0);
    const result = JSON.parse(readFileSync(file, "utf8")) as BenchResult;
    const notRun = result.notRun.map(({ what }) => what);
    for (const { what, why } of result.notRun) console.warn(`not run: ${what}: ${why}`);
    for (const { name, beside } of SCENARIOS) {
      if (notRun.includes(name)) continue;
      const variants = result.scenarios.find((scenario) => scenario.name === name)?.variants.map(({ variant }) => variant);
      expect(variants?.toSorted(), name).toEqual(beside.filter((variant) => !notRun.includes(variant)).toSorted());
      expect(stdout).toContain(`${name}: right answers`);
    }
  }, 120_000);

  test("a wrong answer fails the run, and names who gave it", async () => {
    using broken = Bun.serve({ port: 0, fetch: () => Response.json({ choices: [{ message: { content: "" } }] }) });
    const { code, stderr } = await bench("--smoke", "--against", broken.url.href, "openai-2kb");
    expect(code).toBe(1);
    expect(stderr).toContain("openai-2kb, against: a wrong answer, status 200");
  });

  test("an answer that goes wrong after the first ones fails the run too", async () => {
    let calls = 0;
    using failing = Bun.serve({
      port: 0,
      fetch: () => (++calls > 3 ? new Response("no", { status: 503 }) : Response.json({ choices: [{ message: { content: "yes" } }] })),
    });
    const { code, stderr } = await bench("--smoke", "--against", failing.url.href, "openai-2kb");
    expect(code).toBe(1);
    expect(stderr).toContain("against: a wrong answer: status 503 with 2 bytes, expected 200");
  });

  test("any gateway that runs is measured by its address", async () => {
    const paths = new Set<string>();
    using other = Bun.serve({
      port: 0,
      async fetch(request) {
        paths.add(`${new URL(request.url).pathname} ${request.headers.get("authorization")}`);
        const { stream } = (await request.json()) as { stream?: boolean };
        if (!stream) return Response.json({ choices: [{ message: { content: "yes" } }] });
        const events = 'data: {"choices":[{"delta":{"content":"yes"}}]}\n\ndata: [DONE]\n\n';
        return new Response(events, { headers: { "content-type": "text/event-stream" } });
      },
    });
    const { code, stdout, stderr } = await bench("--smoke", "--against", `${other.url.href}v1/chat`, "--key", "k", "--dialect", "openai");
    expect(code, stderr.slice(-500)).toBe(0);
    expect(stdout).toContain("openai-burst: right answers by against");
    expect([...paths]).toEqual(["/v1/chat Bearer k"]);
  });

  test("a stream that is cut short is a wrong answer", async () => {
    const events = 'data: {"choices":[{"delta":{"content":"yes"}}]}\n\n';
    using cut = Bun.serve({ port: 0, fetch: () => new Response(events, { headers: { "content-type": "text/event-stream" } }) });
    const { code, stderr } = await bench("--smoke", "--against", cut.url.href, "openai-burst");
    expect(code).toBe(1);
    expect(stderr).toContain("a wrong answer, status 200");
  });

  test.skipIf(Bun.which("openssl") === null)("a gateway that runs is measured over TLS as well", async () => {
    const [cert, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
    const made =
      "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost";
    Bun.spawnSync(["openssl", ...made.split(" "), "-keyout", key, "-out", cert]);
    using other = Bun.serve({
      port: 0,
      tls: { cert: Bun.file(cert), key: Bun.file(key) },
      fetch: () => Response.json({ choices: [{ message: { content: "yes" } }] }),
    });
    const words = ["--smoke", "--against", `https://localhost:${other.port}`, "openai-2kb"];
    const { code, stdout, stderr } = await bench({ NODE_EXTRA_CA_CERTS: cert }, ...words);
    expect(code, stderr.slice(-500)).toBe(0);
    expect(stdout).toContain("openai-2kb: right answers by against");
  });

  test("a scenario that does not exist is a mistake on the command line", async () => {
    const { code, stderr } = await bench("openai-3kb");
    expect(code).toBe(2);
    expect(stderr).toContain('there is no scenario "openai-3kb"');
  });
});

describe("a mistake on the command line is told before anything is measured:", () => {
  test.each([
    ["--rounds 0", '--rounds wants a number above 0, not "0"'],
    ["--rounds 1.5", '--rounds wants a whole number, not "1.5"'],
    ["--seconds soon", '--seconds wants a number above 0, not "soon"'],
    ["--peer nobody", '--peer is one of portkey, litellm, bifrost, not "nobody"'],
    ["--dialect latin --against http://x", '--dialect is one of openai, anthropic, not "latin"'],
    ["--against gateway.example", '--against wants an address such as https://gateway.example, not "gateway.example"'],
    ["--against http://x --peer portkey", "--against and --peer cannot be used together"],
    ["--key k", "--key needs --against"],
    ["--from run.json openai-2kb", "--from and SCENARIO cannot be used together: --from measures nothing"],
    ["--from run.json --rounds 3", "--from and --rounds cannot be used together"],
    ["--targets openai-2kb", "--targets and SCENARIO cannot be used together: the targets choose their own scenarios"],
    ["--from run.json --targets", "--from and --targets cannot be used together"],
    ["--smoke --write-docs", "--smoke and --write-docs cannot be used together: --smoke measures nothing"],
    ["--nonsense", "Unknown option '--nonsense'"],
  ])("%s", (words, told) => {
    expect(() => readArguments(words.split(" "), {})).toThrow(told);
  });

  test.each([
    ["--compare nothing-of-that-name", 'no result is saved as "nothing-of-that-name"'],
    ["--json /no/such/folder/run.json", "--json /no/such/folder/run.json: there is no folder /no/such/folder"],
    ["--against http://127.0.0.1:1 openai-refusals", "none of these scenarios can be measured through a gateway that already runs"],
  ])("%s", async (words, told) => {
    const { code, stdout, stderr } = await bench(...words.split(" "));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(told);
    expect(stderr).toEndWith("; --help shows all options\n");
  });
});

describe("the bytes of HTTP", () => {
  const read = (pieces: Buffer[]): string[] => {
    const said: string[] = [];
    let body = "";
    const listener: MessageListener = {
      onHead: (head) => {
        said.push(head.split("\r\n")[0] ?? "");
        body = "";
      },
      onBody: (bytes, from, to) => {
        body += bytes.toString("latin1", from, to);
      },
      onEnd: () => void said.push(body),
    };
    const reader = new MessageReader(listener);
    for (const piece of pieces) reader.feed(piece);
    return said;
  };
  const messages = Buffer.from(
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" +
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nfir\r\nA\r\nst, second\r\n0\r\nTrailer: 1\r\n\r\n" +
      "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
  );
  const whole = ["HTTP/1.1 200 OK", "hello", "HTTP/1.1 200 OK", "first, second", "HTTP/1.1 204 No Content", ""];

  test("are read alike wherever they are cut", () => {
    for (let at = 0; at <= messages.length; at++) expect(read([messages.subarray(0, at), messages.subarray(at)])).toEqual(whole);
    expect(read(Array.from(messages, (byte) => Buffer.from([byte])))).toEqual(whole);
  });
});

const variant = (name: string, measures: VariantResult["measures"]): VariantResult => ({ variant: name, measures });
const run = (weir: number[], bare: number[]): BenchResult => ({
  startedAt: "2026-01-01T00:00:00.000Z",
  commit: "abc",
  machine: { processors: 2, model: "x", kernel: "6", memoryGiB: 1 },
  versions: {},
  arguments: [],
  rounds: weir.length,
  scenarios: [
    {
      name: "openai-2kb",
      title: "",
      limiter: "redis",
      variants: [variant("bare", { cpuMicros: bare }), variant("weir", { cpuMicros: weir })],
    },
  ],
  notRun: [],
});

const pieces = (...results: BenchResult[]) => results.map((result, at) => ({ file: `${at}.json`, result }));

describe("what is told of a run", () => {
  test("a target compares the rounds one by one", () => {
    const [target] = reached(run([60, 100, 28], [40, 50, 20]));
    expect(target).toMatchObject({ figures: [1.5, 2, 1.4], isMet: true });
    expect(reached(run([65], [40]))[0]?.isMet).toBe(false);
  });

  test("a refusal is compared with a request through the pass-through, and the row has what was measured before", () => {
    const result = run([], []);
    const variants = [variant("bare", { cpuMicros: [40, 20] }), variant("weir", { cpuMicros: [80, 80], cpuMicrosRefused: [20, 15] })];
    const scenarios = [{ name: "openai-refusals", title: "", limiter: "redis" as const, variants }];
    expect(reached({ ...result, scenarios })).toMatchObject([{ scenario: "openai-refusals", figures: [0.5, 0.75], isMet: false }]);
    const [head, row] = targetRows({ scenarios });
    expect(head?.indexOf("before")).toBe(2);
    expect(row?.slice(1)).toEqual(["openai-refusals", "0.90–1.30 ×", "≤ 0.60 ×", "0.63 (0.50–0.75) ×", "no"]);
  });

  test("every target is of a scenario that exists", () => {
    const names = SCENARIOS.map(({ name }) => name);
    for (const { scenario } of TARGETS) expect(names).toContain(scenario);
    for (const [scenario, variants] of TARGET_SCENARIOS) {
      const beside = SCENARIOS.find(({ name }) => name === scenario)?.beside ?? [];
      for (const one of variants) expect(beside, scenario).toContain(one);
    }
  });

  test("a change counts beyond the spread, against the pass-through of the same run", () => {
    const before = run([50, 52, 54], [40, 40, 40]);
    expect(changes(before, run([70, 72, 74], [40, 40, 40]))).toMatchObject([
      { scenario: "openai-2kb", measure: "cpuMicros", isWorse: true },
    ]);
    expect(changes(before, run([30, 31, 32], [40, 40, 40]))).toMatchObject([{ isWorse: false }]);
    expect(changes(before, run([53, 60, 70], [40, 40, 40])), "the rounds overlap").toEqual([]);
    expect(changes(before, run([100, 104, 108], [80, 80, 80])), "the machine was half as fast").toEqual([]);
  });

  test("the page keeps what stands around the tables", () => {
    const page = "# A\n<!-- written by bun run bench -- --write-docs -->\nold\n<!-- end -->\nB\n";
    expect(withTables(page, "new")).toBe("# A\n<!-- written by bun run bench -- --write-docs -->\n\nnew\n\n<!-- end -->\nB\n");
    expect(() => withTables("# A", "new")).toThrow("no marks");
  });

  test("runs that are joined keep each scenario whole, from the last that has it", () => {
    const both = joined(pieces(run([1], [1]), run([2, 3], [2, 3])));
    expect(both.scenarios).toHaveLength(1);
    expect(both.scenarios[0]?.variants[1]?.measures.cpuMicros).toEqual([2, 3]);
  });

  test("runs that are joined are as if all had been run at once", () => {
    const [one, other] = [run([1], [1]), run([2], [2])];
    const late = other.scenarios.map((scenario) => ({ ...scenario, name: "bedrock-burst" }));
    const both = joined(
      pieces(
        { ...other, scenarios: late, versions: { bun: "1", litellm: "2" }, notRun: [{ what: "openai-2kb", why: "no Redis" }] },
        { ...one, startedAt: "2025-12-31T00:00:00.000Z", versions: { bun: "1" }, notRun: [{ what: "bifrost", why: "no Go" }] },
      ),
    );
    expect(both.scenarios.map(({ name }) => name)).toEqual(["openai-2kb", "bedrock-burst"]);
    expect(both.versions).toEqual({ bun: "1", litellm: "2" });
    expect(both.startedAt).toStartWith("2025-12-31");
    expect(both.notRun, "what another piece has run").toEqual([{ what: "bifrost", why: "no Go" }]);
  });

  test("runs of different machines, commits or versions are not joined", () => {
    const one = run([1], [1]);
    const told = (other: BenchResult) => () => joined(pieces(one, { ...one, versions: {} }, other));
    expect(told({ ...one, commit: "def" })).toThrow("0.json and 2.json cannot be joined: the commit: abc and def");
    expect(told({ ...one, machine: { ...one.machine, processors: 4 } })).toThrow("the processors: 2 × x and 4 × x");
    const versions = (redis: string): BenchResult => ({ ...one, versions: { redis } });
    expect(() => joined(pieces(one, versions("7"), versions("8")))).toThrow("1.json and 2.json cannot be joined: redis: 7 and 8");
  });

  test("medians and quantiles", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), quantile([1, 2, 3, 4], 0.99), quantile([], 0.5)]).toEqual([2, 2.5, 4, 0]);
  });
});
