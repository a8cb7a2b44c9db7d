/** A worker that is taught what another one has learned: what its calls leave out then, before an upstream that keeps what it is sent. */
import { expect, test } from "bun:test";
import { serve } from "bun";
import type { Upstream } from "../../../src/contract/config.ts";
import type { Flat, WorkerConfig } from "../../../src/contract/messages.ts";
import { orderCall, orderConfigure, orderTeach } from "../../../src/contract/orders.ts";
import { Desk } from "../../../workers/desk.ts";
import { isEnd, message, reportsIn } from "../../support/messages.ts";
import { eventually } from "../../support/waits.ts";
import { acceptsOf, job, upstream } from "./providers/upstream.ts";

const HOUR_MS = 3_600_000;
const CALL = { ...job(), dialect: "anthropic", isLast: true, stream: false, guess: 1, factor: 1 } as const;
const BODY = '{"model":"m","max_tokens":1,"context_hint":1,"messages":[{"role":"user","content":"x"}]}';

test("only the target of that upstream learns; it keeps the lesson over a configuration that says the same, and not over another one", async () => {
  const sent: Record<string, unknown>[] = [];
  const server = serve({
    port: 0,
    fetch: async (request) => {
      sent.push((await request.json()) as Record<string, unknown>);
      return Response.json({ type: "message", usage: { input_tokens: 1, output_tokens: 1 } });
    },
  });
  const settings = { awsRegion: "eu-central-1", endpoint: server.url.origin, credentials: { kind: "bearer", token: "0123456789" } };
  const own = (name: string): Upstream => ({ ...upstream("bedrock", settings), name });
  const timeouts = upstream("bedrock", {}).timeouts;
  const target = (id: number, at: number) => ({ id, upstream: at, model: "m", countModel: undefined, accepts: 0, timeouts });
  const configuration = (edit = {}): WorkerConfig => ({
    proxy: undefined,
    heldBytes: 1_000_000,
    upstreams: [own("bedrock"), own("acme/bedrock")],
    weighing: [],
    targets: [target(1, 0), target(2, 1)],
    accepts: [{ ...acceptsOf("bedrock", "claude-opus-5"), ...edit }],
  });

  const said: Flat = [];
  const desk = new Desk((reports) => void said.push(...reports), queueMicrotask);
  let calls = 0;
  const hasHint = async (to: number) => {
    calls += 1;
    desk.take(message((orders) => orderCall(orders, calls, { ...CALL, target: to, body: BODY })));
    await eventually(() => reportsIn(said).filter(isEnd).length === calls, "the answer");
    return "context_hint" in (sent.at(-1) ?? {});
  };
  try {
    desk.take(message((orders) => orderConfigure(orders, JSON.stringify(configuration()))));
    expect(await hasHint(2)).toBe(true);
    desk.take(message((orders) => orderTeach(orders, 2, HOUR_MS, '["fields","context_hint"]')));
    // Neither an unknown target nor an unknown text does the worker any harm.
    desk.take(message((orders) => orderTeach(orders, 404, HOUR_MS, '["fields","context_hint"]')));
    desk.take(message((orders) => orderTeach(orders, 1, HOUR_MS, "{")));
    expect([await hasHint(1), await hasHint(2)]).toEqual([true, false]);
    desk.take(message((orders) => orderConfigure(orders, JSON.stringify(configuration()))));
    expect(await hasHint(2)).toBe(false);
    desk.take(message((orders) => orderConfigure(orders, JSON.stringify(configuration({ efforts: [] })))));
    expect(await hasHint(2)).toBe(true);
  } finally {
    await server.stop(true);
  }
});
