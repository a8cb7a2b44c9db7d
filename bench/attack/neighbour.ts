/**
 * `bun bench/attack/neighbour.ts PORT SECONDS`: calls at an even pace, whether earlier ones are answered or not, as a separate program. It prints how long they
 * took.
 */
import process from "node:process";
import { message } from "./bodies.ts";
import { KEYS } from "./keys.ts";

export interface Took {
  calls: number;
  /** How many calls had no good answer, by status or error. */
  wrong: Record<string, number>;
  /** Milliseconds of the small calls. */
  p50: number;
  p99: number;
  /** Milliseconds of the calls with some 150 kB, as coding agents send them. */
  largeP50: number;
  largeP90: number;
}

const PER_SECOND = 100;
/** One call in this many is large. */
const LARGE_EVERY = 8;
const LATEST_MS = 8_000;
const LARGE = "A file of the repository, line by line. ".repeat(3_800);

const [port, seconds] = process.argv.slice(2).map(Number) as [number, number];
const [small, large]: [number[], number[]] = [[], []];
const wrong: Record<string, number> = {};

async function call(nth: number): Promise<void> {
  const isLarge = nth % LARGE_EVERY === 0;
  const stream = nth % 2 === 1;
  const body = message(`${isLarge ? LARGE : ""}Hello number ${nth} [sandbox: tokens=30]`, { stream });
  const headers = { "x-api-key": KEYS.neighbour, "content-type": "application/json" };
  const startedMs = performance.now();
  let fault: string;
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/anthropic/eu/v1/messages`, { method: "POST", headers, body });
    const text = await answer.text();
    if (answer.status === 200 && (!stream || text.includes("message_stop"))) {
      (isLarge ? large : small).push(performance.now() - startedMs);
      return;
    }
    fault = String(answer.status);
  } catch (thrown) {
    fault = String((thrown as NodeJS.ErrnoException).code ?? thrown);
  }
  wrong[fault] = (wrong[fault] ?? 0) + 1;
}

function part(values: number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const startedMs = performance.now();
const calls: Promise<void>[] = [];
for (let nth = 1; ; nth++) {
  const dueMs = (nth * 1_000) / PER_SECOND;
  if (dueMs > seconds * 1_000) break;
  const waitMs = startedMs + dueMs - performance.now();
  if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
  calls.push(call(nth));
}
const isLate = Symbol("late");
const ended = await Promise.race([Promise.all(calls), new Promise((resolve) => setTimeout(() => resolve(isLate), LATEST_MS))]);
const answered = small.length + large.length + Object.values(wrong).reduce((sum, times) => sum + times, 0);
if (ended === isLate) wrong.late = calls.length - answered;
const took: Took = {
  calls: calls.length,
  wrong,
  p50: part(small, 0.5),
  p99: part(small, 0.99),
  largeP50: part(large, 0.5),
  largeP90: part(large, 0.9),
};
process.stdout.write(JSON.stringify(took));
process.exit(0);
