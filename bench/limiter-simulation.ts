/**
 * Prints two tables of docs/limits.md: what the limiter's slots lose compared with an exact log, and what it costs to reserve more or less for an answer. It
 * uses the real limiter in memory, simulated time and fixed seeds. This is not a test; run it:  bun bench/limiter-simulation.ts
 */
import { AnswerLengths, expectedTokens } from "../src/limiter/expected.ts";
import { Limiter, type Reservation } from "../src/limiter/limiter.ts";
import { MemoryStore } from "../src/limiter/memory.ts";
import { Clock } from "../test/unit/limiter/exam.ts";
import { randomFrom } from "../test/unit/limiter/fixture.ts";

const RPM = 500;
const TPM = 60_000;

const KINDS = [
  "0.8 of the limit",
  "at the limit",
  "three times the limit",
  "bursts of the whole limit each 60 s",
  "bursts at random, three times the limit",
] as const;

/** The times of arrival within ten minutes, in milliseconds. */
function arrivals(kind: (typeof KINDS)[number], random: () => number): number[] {
  const times: number[] = [];
  const steady = (perMinute: number): void => {
    for (let atMs = 0; atMs < 600_000; atMs += (-Math.log(1 - random()) * 60_000) / perMinute) times.push(atMs);
  };
  if (kind === "0.8 of the limit") steady(RPM * 0.8);
  if (kind === "at the limit") steady(RPM);
  if (kind === "three times the limit") steady(RPM * 3);
  if (kind === "bursts of the whole limit each 60 s") {
    for (let n = 0; n < 10; n++) for (let call = 0; call < RPM; call++) times.push(n * 60_000 + random() * 50);
  }
  if (kind === "bursts at random, three times the limit") {
    for (let atMs = 0; atMs < 600_000; atMs += random() * 12_000) for (let call = 0; call < 300; call++) times.push(atMs + random() * 200);
  }
  return times.sort((a, b) => a - b);
}

interface Outcome {
  admitted: number;
  /** The largest number of admitted calls in any 60 s. */
  most: number;
}

/** Plays the arrivals. `decide` returns undefined for an admitted call, else after how many milliseconds it should come back. */
async function play(times: readonly number[], comeBack: boolean, decide: (atMs: number) => Promise<number | undefined>): Promise<Outcome> {
  const waiting = [...times];
  const returning: number[] = [];
  const admitted: number[] = [];
  let [oldest, most] = [0, 0];
  for (;;) {
    const returns = (returning[0] ?? Number.POSITIVE_INFINITY) < (waiting[0] ?? Number.POSITIVE_INFINITY);
    const atMs = returns ? returning.shift() : waiting.shift();
    if (atMs === undefined || atMs > 600_000) return { admitted: admitted.length, most };
    const retryMs = await decide(atMs);
    if (retryMs === undefined) {
      admitted.push(atMs);
      while ((admitted[oldest] ?? 0) < atMs - 60_000) oldest++;
      most = Math.max(most, admitted.length - oldest);
    } else if (comeBack && !returns) {
      // A call comes back only once. With more retries, calls would pile up for ever where the traffic exceeds the limit.
      const back = atMs + retryMs;
      const inOrder = (returning.at(-1) ?? 0) <= back;
      returning.push(back);
      if (!inOrder) returning.sort((a, b) => a - b);
    }
  }
}

async function slotsBesideLog(): Promise<void> {
  console.log(
    "| traffic | largest count in any 60 s ÷ limit | under-use beside an exact log | the same, where the refused come back once, as told |\n|--|--|--|--|",
  );
  for (const kind of KINDS) {
    const times = arrivals(kind, randomFrom(7));
    const cells: string[] = [];
    let most = 0;
    for (const comeBack of [false, true]) {
      const clock = new Clock();
      const beganUs = clock.us;
      const limiter = new Limiter({ store: new MemoryStore({ nowUs: clock.read }) });
      const slots = await play(times, comeBack, async (atMs) => {
        clock.us = beganUs + atMs * 1000;
        const decision = await limiter.reserve({
          workspace: "w",
          model: "m",
          window: "calls",
          rpm: RPM,
          tpm: 4e9,
          input: 1,
          bound: undefined,
          output: 0,
        });
        return decision.outcome === "requests" ? decision.retryAfterMs : undefined;
      });
      const log: number[] = [];
      const exact = await play(times, comeBack, async (atMs) => {
        while ((log[0] ?? Number.POSITIVE_INFINITY) <= atMs - 60_000) log.shift();
        if (log.length >= RPM) return (log[0] ?? 0) + 60_000 - atMs + 0.001;
        log.push(atMs);
        return undefined;
      });
      most = Math.max(most, slots.most);
      cells.push(`${((1 - slots.admitted / exact.admitted) * 100).toFixed(2)} %`);
    }
    console.log(`| ${kind} | ${(most / RPM).toFixed(3)} | ${cells.join(" | ")} |`);
  }
}

function logNormal(random: () => number, median: number, sigma: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.ceil(median * Math.exp(sigma * normal));
}

const MAX_TOKENS = 8192;

/** How many tokens to reserve for an answer, by the lengths of earlier answers. */
type Choice = (lengths: AnswerLengths, recent: readonly number[]) => number;

function percentileOf(recent: readonly number[], part: number): number {
  const sorted = recent.slice(-256).sort((a, b) => a - b);
  return Math.min(MAX_TOKENS, Math.max(256, sorted[Math.floor(sorted.length * part)] ?? 256));
}

const CHOICES: [string, Choice][] = [
  ["nothing", () => 0],
  ["256", () => 256],
  ["median of recent answers", (_, recent) => percentileOf(recent, 0.5)],
  ["**90th percentile (`expected`)**", (lengths) => expectedTokens(lengths, MAX_TOKENS, "expected")],
  ["99th percentile", (_, recent) => percentileOf(recent, 0.99)],
  ["`max_tokens` of 8192", (lengths) => expectedTokens(lengths, MAX_TOKENS, "max_tokens")],
];

/**
 * Lengths of answers, cut at `max_tokens`. In both distributions the longest tenth of the answers has half of all tokens. Without the cut, the variance of this
 * Pareto distribution would be infinite.
 */
const ANSWERS: [string, (random: () => number) => number][] = [
  ["log-normal: median 300, mean 665", (random) => logNormal(random, 300, 1.3)],
  ["Pareto (exponent 1.2): median 267, mean 566", (random) => Math.ceil(150 * (1 - random()) ** (-1 / 1.2))],
];

/** Plays thirty minutes of traffic, in waves, two and a half times as much as the limit allows. An answer comes with 60 tokens a second. */
async function reservedOutput(answers: string, draw: (random: () => number) => number): Promise<void> {
  console.log(
    `\n${answers}\n\n| reserved for the answer | calls admitted | tokens served ÷ limit | largest use in any 60 s ÷ limit | time over the limit | answers beyond their reservation | debt ÷ tokens |\n|--|--|--|--|--|--|--|`,
  );
  for (const [name, choose] of CHOICES) {
    const random = randomFrom(11);
    const clock = new Clock();
    const beganUs = clock.us;
    let [asked, debt, overruns] = [0, 0, 0];
    const limiter = new Limiter({
      store: new MemoryStore({ nowUs: clock.read }),
      onDebt: (_workspace, _model, tokens) => {
        debt += tokens;
        overruns++;
      },
    });
    const lengths = new AnswerLengths();
    const recent: number[] = [];
    const open: { endMs: number; used: number; output: number; reservation: Reservation }[] = [];
    const served: [atMs: number, tokens: number][] = [];
    for (let atMs = 0; atMs < 1_800_000; ) {
      // Waves of two minutes: from nearly nothing to nearly five times the limit.
      const rate = 1 + 60 * (1 + Math.sin((atMs / 120_000) * 2 * Math.PI)) * 2;
      atMs += (-Math.log(1 - random()) * 60_000) / rate;
      const input = logNormal(random, 400, 0.8);
      const output = Math.min(MAX_TOKENS, draw(random));
      open.sort((a, b) => a.endMs - b.endMs);
      for (let next = open[0]; next !== undefined && next.endMs <= atMs; next = open[0]) {
        open.shift();
        clock.us = beganUs + next.endMs * 1000;
        limiter.settle(next.reservation, next.used);
        lengths.record(next.output);
        recent.push(next.output);
      }
      clock.us = beganUs + atMs * 1000;
      asked++;
      const reserved = choose(lengths, recent);
      const decision = await limiter.reserve({
        workspace: "w",
        model: "m",
        window: "calls",
        rpm: 1e6,
        tpm: TPM,
        input,
        bound: undefined,
        output: reserved,
      });
      if (decision.outcome !== "admitted") continue;
      served.push([atMs, input + output]);
      open.push({ endMs: atMs + 500 + (output / 60) * 1000, used: input + output, output, reservation: decision.reservation });
    }
    const total = served.reduce((sum, [, tokens]) => sum + tokens, 0);
    const { most, overMs } = largestUse(served);
    const part = (value: number, whole: number): string => `${((value / whole) * 100).toFixed(1)} %`;
    console.log(
      `| ${[
        name,
        part(served.length, asked),
        (total / (TPM * 30)).toFixed(2),
        (most / TPM).toFixed(2),
        part(overMs, 1_800_000),
        part(overruns, served.length),
        part(debt, total),
      ].join(" | ")} |`,
    );
  }
}

/** The most tokens in any 60 s, and for how long the last 60 s had more than the limit. All tokens of a call count at its admission. */
function largestUse(served: readonly [atMs: number, tokens: number][]): { most: number; overMs: number } {
  const steps = served.flatMap(([atMs, tokens]) => [
    { atMs, tokens },
    { atMs: atMs + 60_000, tokens: -tokens },
  ]);
  steps.sort((a, b) => a.atMs - b.atMs);
  let [sum, most, overMs, lastMs] = [0, 0, 0, 0];
  for (const { atMs, tokens } of steps) {
    if (sum > TPM) overMs += atMs - lastMs;
    sum += tokens;
    most = Math.max(most, sum);
    lastMs = atMs;
  }
  return { most, overMs };
}

await slotsBesideLog();
for (const [answers, draw] of ANSWERS) await reservedOutput(answers, draw);
