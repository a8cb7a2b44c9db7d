/** The figures of docs/clients.md: what turns of a coding agent take of a token limit, by requests as large as its own, with a prompt cache behind them. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Sandbox, startSandbox } from "../../../src/sandbox/sandbox.ts";
import { bedrockIn } from "../../support/upstreams.ts";
import { keyEntry, startWeir, type Weir } from "../../support/weir.ts";

const KEYS = { 60000: "weir_agent_sixty_Wd4Rt7", 200000: "weir_agent_twohundred_Hn2Xc9" };
type Tpm = keyof typeof KEYS;
/** The size of Claude Code's first request with its tools and instructions, and what a turn adds to it: tokens, as the stand-in counts them. */
const [FIRST, TURN] = [28_500, 1_500];
const WORDS = "the river runs below a low wall and water flows over its stone edge".split(" ");
const WORDS_PER_TOKEN = 0.83;
const text = (tokens: number): string =>
  Array.from({ length: tokens * WORDS_PER_TOKEN }, (_, at) => WORDS[(at * 5) % WORDS.length]).join(" ");

let sandbox: Sandbox;
let weir: Weir;
beforeAll(async () => {
  sandbox = await startSandbox();
  weir = await startWeir({
    config: {
      workers: 1,
      upstreams: { b: bedrockIn("eu", sandbox) },
      workspaces: Object.fromEntries(
        Object.entries(KEYS).map(([tpm, key]) => [`w${tpm}`, { limits: { rpm: 1_000, tpm: Number(tpm) }, keys: [keyEntry("agent", key)] }]),
      ),
    },
  });
}, 30_000);
afterAll(async () => {
  await weir.collect();
  await weir.stop();
  await sandbox.close();
});

interface Turn {
  status: number;
  retryAfterMs: number;
  /** What is left of the tokens of the minute, while this call holds what it has reserved. */
  remaining: number;
}

/** One turn of one conversation: its beginning is in the prompt cache from the first turn on. */
async function turn(tpm: Tpm, number: number): Promise<Turn> {
  const asked = { role: "user", content: text(TURN) };
  const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${KEYS[tpm]}`, "anthropic-version": "2023-06-01", "content-type": "application/json" },
    body: JSON.stringify({
      model: "claude-sonnet-5",
      max_tokens: 64_000,
      system: [{ type: "text", text: text(FIRST - TURN), cache_control: { type: "ephemeral" } }],
      messages: Array.from({ length: number }, () => [asked, { role: "assistant", content: "Done." }])
        .flat()
        .slice(0, -1),
    }),
  });
  await answer.text();
  const header = (name: string) => Number(answer.headers.get(name));
  return { status: answer.status, retryAfterMs: header("retry-after-ms"), remaining: header("x-ratelimit-remaining-tokens") };
}

test("at 60,000 TPM the second turn within a minute waits for nearly all of it", async () => {
  expect(await turn(60_000, 1)).toMatchObject({ status: 200 });
  const second = await turn(60_000, 2);
  expect(second.status).toBe(429);
  expect(second.retryAfterMs).toBeWithin(50_000, 59_001);
});

test("at 200,000 TPM a turn holds its whole conversation while it runs, and what came from the cache counts nothing afterwards", async () => {
  for (let number = 1; number <= 5; number++) {
    const { status, remaining } = await turn(200_000, number);
    expect([number, status]).toEqual([number, 200]);
    expect(remaining).toBeLessThan(200_000 - FIRST);
    // The first may have been written to the cache. If each counted whole, the third would leave 110,000 and the fifth 40,000.
    expect(remaining).toBeGreaterThan(200_000 - 2 * FIRST - number * number * TURN);
  }
});
