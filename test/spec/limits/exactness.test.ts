/**
 * Three gateways on one Redis, as their clients see them: whatever comes to which of them, together they admit what the limit says. The suite looks at
 * one window; `WEIR_LIMITS_EXACTNESS_S=150` keeps the traffic up for so long, over window edges, and looks at every 60 seconds of it.
 */
import { expect, test } from "bun:test";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { haveRedis, startRedis } from "../../support/redis.ts";
import { startWeir } from "../../support/weir.ts";
import { anthropic } from "../dialects.ts";
import { configuration, keyOf } from "./world.ts";

const PROCESSES = 3;
const RPM = 300;
const TPM = 30_000;
const WINDOW_MS = 60_000;
const LASTS_MS = Number(process.env.WEIR_LIMITS_EXACTNESS_S ?? 0) * 1_000;
const BURST = 400;
/** Bursts of a short run, and the pause between two. */
const BURSTS = 6;
const PAUSE_MS = 250;
/** A tick and a half: by so much a call may count longer than 60 seconds, as far as clocks outside Redis can tell. */
const TARDY_MS = 150;

interface Told {
  sentMs: number;
  answeredMs: number;
  status: number;
  /** What the upstream counted; 0 where it was not asked. */
  tokens: number;
  remaining: { requests: number; tokens: number };
}

test.skipIf(!haveRedis)(
  "three gateways on one Redis admit exactly the limit, of requests and of tokens, however the traffic comes",
  async () => {
    const redis = await startRedis();
    const sandbox = await startSandbox();
    const places = {
      requests: { limits: { rpm: RPM, tpm: 10_000_000 } },
      tokens: { limits: { rpm: 1_000_000, tpm: TPM, reserve_output: "max_tokens" } },
    };
    const config = configuration(sandbox, places, { redis: { url: redis.url, timeout: "2s" }, workers: 1 });
    const gateways = await Promise.all(Array.from({ length: PROCESSES }, () => startWeir({ config })));
    const told: Record<keyof typeof places, Told[]> = { requests: [], tokens: [] };

    const ask = async (place: keyof typeof places, nth: number): Promise<Told> => {
      // Answers of different lengths, all within the client's bound: what is settled is less than what was reserved.
      const body = anthropic.body(`[sandbox: tokens=${1 + (nth % 90)} pace=0]`, { max_tokens: 100 });
      const sentMs = performance.now();
      const response = await fetch(`${gateways[nth % PROCESSES]?.url}${anthropic.path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": keyOf(place) },
        body: JSON.stringify(body),
      });
      const text = await response.text();
      const answeredMs = performance.now();
      const { usage } =
        response.status === 200 ? (JSON.parse(text) as { usage: { input_tokens: number; output_tokens: number } }) : { usage: undefined };
      const left = (unit: string) => Number(response.headers.get(`x-ratelimit-remaining-${unit}`) ?? Number.NaN);
      const tokens = usage === undefined ? 0 : usage.input_tokens + usage.output_tokens;
      const line = {
        sentMs,
        answeredMs,
        status: response.status,
        tokens,
        remaining: { requests: left("requests"), tokens: left("tokens") },
      };
      told[place].push(line);
      return line;
    };
    try {
      const startedMs = performance.now();
      let nth = 0;
      for (let burst = 0; LASTS_MS > 0 ? performance.now() - startedMs < LASTS_MS : burst < BURSTS; burst++) {
        await Promise.all(Array.from({ length: BURST }, () => ask(nth % 2 === 0 ? "requests" : "tokens", nth++)));
        await Bun.sleep(LASTS_MS > 0 ? 6 * PAUSE_MS : PAUSE_MS);
      }
      const lastedMs = performance.now() - startedMs;
      // Settlements have made room in the tokens: it is used up too, to less than one call.
      let refused: Told;
      do refused = await ask("tokens", nth++);
      while (refused.status === 200);

      for (const lines of Object.values(told)) expect(new Set(lines.map(({ status }) => status))).toEqual(new Set([200, 429]));
      const admitted = (place: keyof typeof places) => told[place].filter(({ status }) => status === 200);
      const requests = most(admitted("requests"), () => 1);
      const tokens = most(admitted("tokens"), (line) => line.tokens);
      expect(requests).toBe(RPM);
      expect(tokens).toBeLessThanOrEqual(TPM);
      const reservation = 100 + 64;
      expect(refused.remaining.tokens).toBeLessThan(reservation);
      if (LASTS_MS === 0) expect(admitted("requests").length).toBe(RPM);
      if (LASTS_MS === 0) expect(tokens).toBeGreaterThan(TPM - reservation);
      for (const line of told.requests) if (line.status === 429) expect(line.remaining.requests).toBe(0);

      // A log of all calls with another clock would also have refused what was refused, a tick and a half earlier at most.
      const counted = admitted("requests");
      for (const { status, sentMs, answeredMs } of told.requests) {
        if (status === 200) continue;
        const before = counted.filter((line) => line.answeredMs >= sentMs - WINDOW_MS - TARDY_MS && line.sentMs <= answeredMs);
        expect(before.length).toBeGreaterThanOrEqual(RPM);
      }
      const underuse = 1 - counted.length / exactCount(told.requests);
      console.info(
        [
          `exactness, ${PROCESSES} gateways on one Redis, ${(lastedMs / 1_000).toFixed(1)} s:`,
          `requests: ${told.requests.length} asked, ${admitted("requests").length} admitted, most in any 60 s ${requests} of ${RPM}: over-admission ${Math.max(0, requests - RPM)}, under-use ${(underuse * 100).toFixed(2)} %`,
          `tokens: ${told.tokens.length} asked, ${admitted("tokens").length} admitted, most settled in any 60 s ${tokens} of ${TPM}: over-admission ${Math.max(0, tokens - TPM)}`,
        ].join("\n  "),
      );
    } finally {
      for (const gateway of gateways) gateway.child.kill("SIGKILL");
      await sandbox.close();
      await redis.stop();
    }
  },
  LASTS_MS + 40_000,
);

/** How many of these calls an exact log would have admitted. */
function exactCount(asked: readonly Told[]): number {
  const log: number[] = [];
  let first = 0;
  for (const atMs of asked.map(({ sentMs, answeredMs }) => (sentMs + answeredMs) / 2).sort((a, b) => a - b)) {
    while (first < log.length && (log[first] ?? 0) <= atMs - WINDOW_MS) first++;
    if (log.length - first < RPM) log.push(atMs);
  }
  return log.length;
}

/** The largest sum over what was surely admitted within any 60 seconds. */
function most(admitted: readonly Told[], weight: (line: Told) => number): number {
  const lines = [...admitted].sort((a, b) => a.answeredMs - b.answeredMs);
  let largest = 0;
  for (const { sentMs: fromMs } of lines) {
    let sum = 0;
    for (const line of lines) if (line.sentMs >= fromMs && line.answeredMs <= fromMs + WINDOW_MS) sum += weight(line);
    largest = Math.max(largest, sum);
  }
  return largest;
}
