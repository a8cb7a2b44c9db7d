/** What a traced gateway does, on either runtime. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { eventually } from "../../support/waits.ts";
import type { RuntimeName, Weir } from "../../support/weir.ts";
import type { ReceivedSpan } from "./collector.ts";
import { counted, KEY, MARKER, World } from "./world.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const idOf = (digit: string) => digit.repeat(32);
const parentOf = (trace: string, flags = "01") => `00-${trace}-${SPAN}-${flags}`;
const DROPPED = ["weir_trace_spans_total", 'result="dropped"'] as const;

export function specify(runtime: RuntimeName): void {
  describe(`traces on ${runtime}`, () => {
    const world = new World(runtime);
    let weir: Weir;
    beforeAll(async () => {
      await world.start();
      weir = await world.weir({
        OTEL_SERVICE_NAME: "gateway",
        OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test",
        OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=weir",
      });
    }, 30_000);
    afterAll(() => world.stop());

    const spansOf = async (traceId: string, count: number): Promise<ReceivedSpan[]> => {
      const found = () => world.collector.spans.filter((span) => span.traceId === traceId);
      await world.collector.until(() => found().length >= count);
      return found();
    };

    test("one call is followed from its traceparent through its answer, its log line, the metrics, its spans and its upstream request", async () => {
      const labels = ['route="/anthropic/{region}/v1/messages"', 'model="claude"', 'outcome="ok"'];
      const before = await counted(weir, "weir_requests_total", ...labels);
      const answer = await world.ask(weir, {
        headers: { traceparent: parentOf(TRACE), tracestate: "vendor=a", "x-request-id": "client-77", "x-claude-code-session-id": "s-1" },
      });

      const [own, attempt] = [await spansOf(TRACE, 2)].flatMap((spans) => [
        spans.find(({ kind }) => kind === 2),
        spans.find(({ kind }) => kind === 3),
      ]);
      if (own === undefined || attempt === undefined) throw new Error("a span is missing");
      expect(answer.headers.get("traceparent")).toBe(`00-${TRACE}-${own.spanId}-01`);
      expect(answer.headers.get("x-request-id")).toBe("client-77");
      const requestId = answer.headers.get("request-id");
      expect(await weir.logged((line) => line.request_id === requestId)).toMatchObject({
        trace_id: TRACE,
        client_request_id: "client-77",
        outcome: "ok",
      });
      expect(await counted(weir, "weir_requests_total", ...labels)).toBe(before + 1);
      expect(own).toMatchObject({
        parentSpanId: SPAN,
        traceState: "vendor=a",
        name: "POST /anthropic/{region}/v1/messages",
        attributes: {
          "http.request.method": "POST",
          "http.route": "/anthropic/{region}/v1/messages",
          "http.response.status_code": 200,
          "client.address": "127.0.0.1",
          "weir.request_id": requestId,
          "weir.workspace": "acme",
          "weir.key_id": expect.stringMatching(/^key_/),
          "weir.model": "claude",
          "weir.region": "eu",
          "weir.outcome": "ok",
          "weir.attempts": 1,
        },
        resource: { "service.name": "gateway", "service.version": expect.any(String), "deployment.environment": "test" },
        status: 0,
      });
      expect(attempt).toMatchObject({
        parentSpanId: own.spanId,
        name: "chat anthropic.claude-3-haiku-20240307-v1:0",
        attributes: {
          "gen_ai.operation.name": "chat",
          "gen_ai.provider.name": "aws.bedrock",
          "gen_ai.request.model": "anthropic.claude-3-haiku-20240307-v1:0",
          "gen_ai.request.max_tokens": 20,
          "gen_ai.conversation.id": "s-1",
          "gen_ai.usage.input_tokens": expect.any(Number),
          "gen_ai.usage.output_tokens": expect.any(Number),
          "weir.upstream": "b",
          "weir.upstream_request_id": expect.stringMatching(/.+/),
        },
        status: 0,
      });
      expect(attempt.endMs).toBeGreaterThan(attempt.startMs);
      expect(own.endMs).toBeGreaterThanOrEqual(attempt.endMs);
      expect(world.sandbox.calls.recent.at(-1)?.headers).toMatchObject({
        traceparent: `00-${TRACE}-${attempt.spanId}-01`,
        tracestate: "vendor=a",
        "x-request-id": "client-77",
      });
      expect(world.collector.requests.at(-1)).toMatchObject({ ":path": "POST /v1/traces", "x-tenant": "weir" });
    });

    test("each attempt is a separate span, with what it met, and its upstream is sent that span", async () => {
      const trace = idOf("a");
      const answer = await world.ask(weir, { model: "twice", stream: true, headers: { traceparent: parentOf(trace) } });
      expect(answer.status).toBe(200);
      const spans = await spansOf(trace, 3);
      const attempts = spans.filter(({ kind }) => kind === 3).sort((one, other) => one.startMs - other.startMs);
      expect(attempts.map(({ attributes, status }) => [attributes["weir.upstream"], attributes["error.type"], status])).toEqual([
        ["dead", "upstream_unreachable", 2],
        ["b", undefined, 0],
      ]);
      expect(attempts[1]?.attributes).toMatchObject({
        "gen_ai.request.stream": true,
        "gen_ai.response.time_to_first_chunk": expect.any(Number),
      });
      expect(spans.find(({ kind }) => kind === 2)?.attributes["weir.attempts"]).toBe(2);
      expect(world.sandbox.calls.recent.at(-1)?.headers.traceparent).toBe(`00-${trace}-${attempts[1]?.spanId}-01`);
    });

    test("a call that was refused has a span alone: an error where it is the server's, and none where it is the client's", async () => {
      const [bad, lost] = [idOf("b"), idOf("c")];
      await world.ask(weir, { model: "nobody-has-it", headers: { traceparent: parentOf(bad) } });
      await world.ask(weir, { prompt: "[sandbox: throttle]", headers: { traceparent: parentOf(lost) } });
      expect(await spansOf(bad, 1)).toMatchObject([
        { status: 0, attributes: { "http.response.status_code": 404, "error.type": "unknown_model" } },
      ]);
      const [own] = (await spansOf(lost, 2)).filter(({ kind }) => kind === 2);
      expect(own).toMatchObject({ attributes: { "error.type": "upstream_rate_limited", "weir.attempts": 1 } });
    });

    test("a client without a trace begins one, which its answer names", async () => {
      const answer = await world.ask(weir);
      const [, traceId = ""] = answer.headers.get("traceparent")?.split("-") ?? [];
      expect(await spansOf(traceId, 2)).toHaveLength(2);
      expect(await weir.logged((line) => line.request_id === answer.headers.get("request-id"))).toMatchObject({ trace_id: traceId });
    });

    test("a client whose trace is not sampled has no span, and its traceparent goes on as it came", async () => {
      const [trace, after] = [idOf("d"), idOf("e")];
      const answer = await world.ask(weir, { headers: { traceparent: parentOf(trace, "00") } });
      expect(answer.headers.get("traceparent")).toBe(parentOf(trace, "00"));
      expect(world.sandbox.calls.recent.at(-1)?.headers.traceparent).toBe(parentOf(trace, "00"));
      await world.ask(weir, { headers: { traceparent: parentOf(after) } });
      await spansOf(after, 2);
      expect(world.collector.spans.some(({ traceId }) => traceId === trace)).toBe(false);
    });

    test("no span holds a prompt, an answer or a key", () => {
      expect(world.collector.spans.length).toBeGreaterThan(5);
      const said = JSON.stringify(world.collector.spans);
      for (const secret of [MARKER, KEY, "weir is"]) expect(said).not.toContain(secret);
    });

    test("where nothing is configured, ids go on all the same, and there are no spans", async () => {
      const untraced = await world.weir({ OTEL_EXPORTER_OTLP_ENDPOINT: "" });
      const trace = idOf("f");
      const answer = await world.ask(untraced, { headers: { traceparent: parentOf(trace), "x-request-id": "mine" } });
      expect(answer.headers.get("traceparent")).toBe(parentOf(trace));
      expect(answer.headers.get("x-request-id")).toBe("mine");
      expect(world.sandbox.calls.recent.at(-1)?.headers).toMatchObject({ traceparent: parentOf(trace), "x-request-id": "mine" });
      const plain = await world.ask(untraced);
      expect(plain.headers.has("traceparent")).toBe(false);
      expect(plain.headers.get("x-request-id")).toBe(plain.headers.get("request-id"));
      for (const name of ["traceparent", "x-request-id"]) expect(world.sandbox.calls.recent.at(-1)?.headers).not.toHaveProperty(name);
      expect(await counted(untraced, "weir_trace_spans_total")).toBe(0);
    }, 15_000);

    test("what is left is sent when the gateway drains", async () => {
      const late = await world.weir({ OTEL_BSP_SCHEDULE_DELAY: "3600000" });
      const trace = "5".repeat(32);
      await world.ask(late, { headers: { traceparent: parentOf(trace) } });
      expect(await late.stop()).toBe(0);
      expect(await spansOf(trace, 2)).toHaveLength(2);
    }, 15_000);

    test("a collector that refuses, hangs or is gone costs spans, which are counted, and no call anything", async () => {
      const lossy = await world.weir({ OTEL_EXPORTER_OTLP_TIMEOUT: "200", OTEL_BSP_EXPORT_TIMEOUT: "500" });
      const asked = async (before: number) => {
        expect((await world.ask(lossy)).status).toBe(200);
        await eventually(async () => (await counted(lossy, ...DROPPED)) >= before + 2, "spans are counted as dropped");
      };
      world.collector.mood = "refuses";
      await asked(0);
      world.collector.mood = "hangs";
      await asked(2);
      // The gateway ends although its collector does not take the spans that are left.
      for (let count = 0; count < 5; count++) await world.ask(lossy);
      const began = performance.now();
      expect(await lossy.stop()).toBe(0);
      expect(performance.now() - began).toBeLessThan(4_000);
      world.collector.mood = "takes";

      const alone = await world.weir({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_EXPORTER_OTLP_TIMEOUT: "200" });
      expect((await world.ask(alone)).status).toBe(200);
      await eventually(async () => (await counted(alone, ...DROPPED)) === 2, "spans are counted as dropped");
      expect(alone.output()).not.toMatch(/ECONNREFUSED|otel|OTLP/i);
    }, 30_000);
  });
}
