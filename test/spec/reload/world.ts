/** What the tests of a changed configuration share: a gateway's configuration in variants, and questions about which of them is in force. */

import type { Sandbox } from "../../../src/sandbox/sandbox.ts";
import { bedrockIn, HAIKU } from "../../support/upstreams.ts";
import { promptly } from "../../support/waits.ts";
import { keyEntry, type Weir } from "../../support/weir.ts";

export const [KEY, SECOND_KEY] = ["weir_reload_first_Gm4Tz8Kw1Rq6", "weir_reload_second_Vx7Nc3Hp9Js2"];

export interface Variant {
  /** Beside `claude` and `limited`. */
  models?: string[];
  /** The limit of the model `limited` alone. */
  rpm?: number;
  keys?: string[];
  /** Another value makes another upstream of it, as far as the workers can tell. */
  silence?: string;
}

export function configuration(sandbox: Sandbox, { models = [], rpm = 100_000, keys = [KEY], silence = "60s" }: Variant = {}) {
  const targets = [{ upstream: "b", model: HAIKU }];
  return {
    workers: 2,
    limits: { rpm: 1_000_000, tpm: 1_000_000_000 },
    upstreams: { b: { ...bedrockIn("eu", sandbox), timeouts: { silence } } },
    models: {
      ...Object.fromEntries(["claude", ...models].map((name) => [name, { targets }])),
      limited: { limits: { rpm }, targets },
    },
    workspaces: { acme: { keys: keys.map((key, at) => keyEntry(`key-${at}`, key)) } },
  };
}

export interface Question {
  model?: string;
  key?: string;
  prompt?: string;
  stream?: boolean;
}

export async function ask(weir: Weir, question: Question = {}): Promise<{ status: number; text: string }> {
  const { model = "claude", key = KEY, prompt = "Hello", stream = false } = question;
  const body = JSON.stringify({ model, max_tokens: 500, stream, messages: [{ role: "user", content: prompt }] });
  const answer = await fetch(`${weir.url}/anthropic/eu/v1/messages`, { method: "POST", headers: { "x-api-key": key }, body });
  return { status: answer.status, text: await answer.text() };
}

/** Asks until the answer has this status, which it has to have as promptly as a change is in force. */
export function becomes(weir: Weir, status: number, question: Question): Promise<void> {
  const { key, ...shown } = question;
  const what = `${JSON.stringify(shown)}${key === undefined ? "" : " with another key"} is answered with ${status}`;
  return promptly(async () => (await ask(weir, question)).status === status, what);
}

/** How many reloads have ended so. */
export async function reloads(weir: Weir, result: "applied" | "refused"): Promise<number> {
  const text = await (await fetch(`${weir.adminUrl}/metrics`)).text();
  return Number(new RegExp(`weir_config_reloads_total\\{result="${result}"\\} (\\d+)`).exec(text)?.[1]);
}
