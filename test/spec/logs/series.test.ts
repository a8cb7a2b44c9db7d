/** The series of the metrics are bounded by the configuration, whatever clients send. */

import { expect, test } from "bun:test";
import { startSandbox } from "../../../src/sandbox/sandbox.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { keyEntry, startWeir, type Weir } from "../../support/weir.ts";

const KEY = "weir_series_key_Wq4Jd9Xs2Lp";
const COUNT = 1_000;
const AT_ONCE = 20;

async function series(weir: Weir): Promise<Set<string>> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  return new Set(text.split("\n").flatMap((line) => (line.startsWith("weir_") ? [line.slice(0, line.lastIndexOf(" "))] : [])));
}

test("a thousand made-up models, keys, tags, users, traces and paths bring no series that a handful does not bring", async () => {
  const sandbox = await startSandbox();
  const weir = await startWeir({
    config: {
      workers: 1,
      limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
      upstreams: { b: bedrockIn("eu", sandbox) },
      models: { claude: { targets: [{ upstream: "b", model: HAIKU }] } },
      workspaces: { acme: { default_region: "eu", keys: [keyEntry("ci", KEY)] } },
    },
  });

  const ask = async (path: string, model: string, nth: number, key: string): Promise<void> => {
    const id = nth.toString(16).padStart(32, "a");
    const headers = {
      "x-api-key": key,
      "user-agent": `agent-${nth}`,
      "x-weir-tag": `tag-${nth}`,
      "x-claude-code-session-id": `session-${nth}`,
      "x-request-id": `request-${nth}`,
      "anthropic-beta": `beta-${nth}-2026-01-01`,
      traceparent: `00-${id}-${id.slice(16)}-01`,
    };
    const messages = [{ role: "user", content: "[sandbox: tokens=1]" }];
    const body = JSON.stringify({ model, max_tokens: 5, messages, metadata: { user_id: `user-${nth}` } });
    await (await fetch(`${weir.url}${path}`, { method: "POST", headers, body })).text();
  };
  const askAll = async (from: number, count: number): Promise<void> => {
    for (let first = from; first < from + count; first += AT_ONCE) {
      const some = Array.from({ length: Math.min(AT_ONCE, from + count - first) }, (_, at) => first + at);
      await Promise.all(
        some.flatMap((nth) => [
          ask("/anthropic/eu/v1/messages", "claude", nth, KEY),
          ask("/anthropic/eu/v1/messages", `model-${nth}`, nth, KEY),
          ask("/anthropic/eu/v1/messages", "claude", nth, `weir_random_${nth}`),
          ask(`/anthropic/region-${nth}/v1/messages`, "claude", nth, KEY),
          ask(`/path-${nth}/v1/messages`, "claude", nth, KEY),
        ]),
      );
    }
  };

  // Flags of betas have a bound of their own, which these fill.
  await askAll(0, 120);
  const before = await series(weir);
  await askAll(120, COUNT);
  const after = await series(weir);
  expect([...after].filter((name) => !before.has(name))).toEqual([]);
  expect(before.size).toBeGreaterThan(100);
  expect(before.size).toBeLessThan(3_000);
  for (const madeUp of ["model-", "tag-", "user-", "session-", "request-", "agent-", "region-", "path-"])
    expect([...after].filter((name) => name.includes(`"${madeUp}`))).toEqual([]);
  await weir.collect();
  await weir.stop();
  await sandbox.close();
}, 60_000);
