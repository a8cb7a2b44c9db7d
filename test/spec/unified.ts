/** The unified route: what Anthropic clients ask, answered in an envelope or in OpenAI's chunks. */
import { expect } from "bun:test";
import { keyEntry } from "../support/weir.ts";
import { type Answered, eventsOf } from "./client.ts";
import { anthropic, type Spoken } from "./dialects.ts";
import { HOMELESS_KEY, KEY, US_KEY, type World } from "./world.ts";

/** Its requests are Anthropic's. */
const unified: Spoken = { ...anthropic, path: "/api/v1/messages" };

const TOOLS = [{ name: "weather", description: "The weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }];
const RATE_LIMITED = "unified_limited_Hc5rNw8zLq2y";

interface Call {
  index: number;
  id?: string;
  type?: string;
  function: { name?: string; arguments: string };
}

interface Chunk {
  id: string;
  object: string;
  created: number;
  model: string;
  choices: {
    index: number;
    delta: { role?: string; content?: string; reasoning_content?: string; tool_calls?: Call[] };
    finish_reason: string | null;
  }[];
  usage?: object;
}

function chunksOf(stream: string): Chunk[] {
  return eventsOf(stream)
    .filter(({ event, data }) => event !== ":" && data !== "[DONE]")
    .map(({ data }) => JSON.parse(data));
}

function isComplete(stream: string): boolean {
  return eventsOf(stream).at(-1)?.data === "[DONE]";
}

function expectRefused(answered: Answered, status: number): string {
  expect(answered.status).toBe(status);
  expect(answered.headers.get("content-type")).toBe("application/json");
  const { message, ...rest } = JSON.parse(answered.text);
  expect(rest).toEqual({ success: false, code: String(status), data: null });
  expect(answered.headers.get("request-id")).toBeString();
  return message;
}

export function specifyUnified(world: World): void {
  world.sentence("a request gets the envelope, with usage under OpenAI's names", async () => {
    for (const path of ["/api/v1/messages", "/api/public/api/v1/messages", "/api//v1/messages/?beta=true"]) {
      const answered = await world.ask(unified, { path, prompt: "[sandbox: echo] Grüße 😀" });
      expect(answered.status).toBe(200);
      expect(answered.headers.get("content-type")).toBe("application/json");
      expect(JSON.parse(answered.text)).toEqual({
        success: true,
        code: "200",
        message: "successful",
        data: {
          id: expect.stringMatching(/^msg_/),
          model: "claude",
          choices: [{ index: 0, message: { role: "assistant", content: "Grüße 😀" }, finish_reason: "stop" }],
          usage: {
            prompt_tokens: expect.any(Number),
            completion_tokens: expect.any(Number),
            total_tokens: expect.any(Number),
            prompt_tokens_details: { cached_tokens: 0 },
          },
        },
      });
      expect(answered.headers.has("x-ratelimit-remaining-tokens")).toBe(true);
    }
  });

  world.sentence("a stream is chunks that say what the whole answer says, then [DONE]", async () => {
    const config = world.configuration() as { models: object };
    const thinker = { targets: [{ upstream: "bedrock-eu", model: "eu.anthropic.claude-sonnet-4-5-20250929-v1:0" }] };
    const weir = await world.another({ config: { ...config, models: { ...config.models, thinker } } });
    for (const more of [
      {},
      { tools: TOOLS },
      { model: "thinker", max_tokens: 2_048, thinking: { type: "enabled", budget_tokens: 1_024 } },
      { max_tokens: 3 },
    ]) {
      const [whole, streamed] = await Promise.all([
        world.ask(unified, { prompt: "Say it twice", more }, weir),
        world.ask(unified, { prompt: "Say it twice", more, stream: true }, weir),
      ]);
      expect([whole.status, streamed.status]).toEqual([200, 200]);
      expect(streamed.headers.get("content-type")).toContain("text/event-stream");
      const { data } = JSON.parse(whole.text);
      const [{ message, finish_reason }] = data.choices;
      const chunks = chunksOf(streamed.text);
      expect(isComplete(streamed.text)).toBe(true);
      for (const chunk of chunks) {
        expect(chunk).toMatchObject({ id: chunks[0]?.id, object: "chat.completion.chunk", model: data.model, choices: [{ index: 0 }] });
        expect(Math.abs(chunk.created - Date.now() / 1000)).toBeLessThan(60);
      }
      const deltas = chunks.map(({ choices }) => choices[0]?.delta ?? {});
      expect(deltas[0]?.role).toBe("assistant");
      expect(deltas.map(({ content = "" }) => content).join("")).toBe(message.content ?? "");
      expect(deltas.map(({ reasoning_content = "" }) => reasoning_content).join("")).toBe(message.reasoning_content ?? "");
      const calls: Call[] = [];
      for (const call of deltas.flatMap(({ tool_calls = [] }) => tool_calls)) {
        const known = calls[call.index];
        if (known === undefined) calls[call.index] = call;
        else known.function.arguments += call.function.arguments;
      }
      expect(calls.map((call) => [call.type, call.function.name, JSON.parse(call.function.arguments)])).toEqual(
        (message.tool_calls ?? []).map((call: Call) => [call.type, call.function.name, JSON.parse(call.function.arguments)]),
      );
      expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe(finish_reason);
      expect(chunks.filter(({ usage }) => usage !== undefined)).toHaveLength(1);
      expect(chunks.at(-1)?.usage).toEqual(data.usage);
      if ("tools" in more) expect([finish_reason, calls.length > 0]).toEqual(["tool_calls", true]);
      if ("thinking" in more) expect(message.reasoning_content).toBeString();
      if (more.max_tokens === 3) expect(finish_reason).toBe("length");
    }
  });

  world.sentence("it is served in the workspace's default region, and metered like the rest", async () => {
    for (const [key, region] of [
      [KEY, "eu"],
      [US_KEY, "us"],
    ] as const) {
      const answered = await world.ask(unified, { key, prompt: "where" });
      const line = await world.logged(answered);
      expect(line).toMatchObject({ route: "/api/v1/messages", region, upstream: `bedrock-${region}`, outcome: "ok" });
      const { usage } = JSON.parse(answered.text).data;
      expect([line.input_tokens, line.output_tokens]).toEqual([usage.prompt_tokens, usage.completion_tokens]);
    }
    expect(expectRefused(await world.ask(unified, { key: HOMELESS_KEY }), 404)).toContain("default_region");
  });

  world.sentence("the upstream receives the body as it was written", async () => {
    const odd = '"x_future" : {"big":12345678901234567890}';
    const messages = '[ {"role" : "user","content":"caf\\u00e9 é"} ]';
    const body = `{"model":"claude-recorded","max_tokens":1e2, "messages":${messages}, ${odd}}`;
    const answered = await world.ask(unified, { body });
    expect(JSON.parse(answered.text).data.choices[0].message.content).toBe("é 😀");
    expect(world.recorder.last().body).toContain(odd);
    expect(world.recorder.last().body).toContain(messages);
  });

  world.sentence("every refusal is the envelope, with the true status twice", async () => {
    expectRefused(await world.ask(unified, { key: null }), 401);
    expect(expectRefused(await world.ask(unified, { body: "{" }), 400)).toContain("invalid JSON");
    expect(expectRefused(await world.ask(unified, { more: { max_tokens: "many" } }), 400)).toStartWith("max_tokens: ");
    expect(expectRefused(await world.ask(unified, { more: { model: "gpt" } }), 404)).toContain("claude");
    expectRefused(await world.ask(unified, { body: "x".repeat(7 * 1024 * 1024) }), 413);
    expectRefused(await world.call({ method: "GET", path: "/api/v1/messages" }).answered, 405);
    expect(expectRefused(await world.ask(unified, { path: "/api/v1/v1/messages" }), 404)).toContain("/api/v1/messages");
    expect(expectRefused(await world.ask(unified, { path: "/api/v1/chat/completions" }), 404)).toContain("/openai/{region}/v1");
    const large = await world.ask(unified, { more: { padding: "x".repeat(100_000), temperature: 9 } });
    expect(expectRefused(large, 400)).toStartWith("temperature: ");
  });

  world.sentence("a failure of the upstream before the first byte is answered with its true status, streaming or not", async () => {
    for (const [prompt, model, status] of [
      ["[sandbox: throttle]", "claude", 429],
      ["[sandbox: overloaded]", "claude", 503],
      ["[sandbox: status=500]", "claude", 500],
      ["[sandbox: too-long]", "claude", 400],
      ["", "claude-unreachable", 502],
      ["", "claude-misconfigured", 502],
      ["[sandbox: stall]", "claude-hasty", 504],
    ] as const) {
      for (const stream of [false, true]) {
        const answered = await world.ask(unified, { prompt, stream, more: { model } });
        const message = expectRefused(answered, status);
        expect(message).not.toBe("");
        if (prompt === "[sandbox: too-long]") expect(message).toMatch(/too long/i);
      }
    }
  });

  world.sentence("a stream that breaks ends with the error and without [DONE]", async () => {
    for (const [prompt, model] of [
      ["[sandbox: tokens=9 exception after=3]", "claude"],
      ["[sandbox: tokens=9 cut after=3]", "claude"],
      ["[sandbox: tokens=9 truncate]", "claude"],
      ["[sandbox: tokens=9 corrupt after=3]", "claude"],
      ["[sandbox: tokens=9 stall after=3]", "claude-hasty"],
    ] as const) {
      const answered = await world.ask(unified, { prompt, stream: true, more: { model } });
      expect(answered.status).toBe(200);
      const events = eventsOf(answered.text).filter(({ event }) => event !== ":");
      const last = JSON.parse(events.at(-1)?.data ?? "");
      expect(last).toEqual({ success: false, code: expect.stringMatching(/^[45]\d\d$/), message: expect.any(String), data: null });
      expect(answered.text).not.toContain("[DONE]");
      expect(answered.text).not.toContain('"finish_reason":"stop"');
    }
  });

  world.sentence("over its limit a caller reads when to return, in the envelope", async () => {
    const config = world.configuration() as { workspaces: object };
    const limited = { default_region: "eu", limits: { rpm: 1 }, keys: [keyEntry("one", RATE_LIMITED)] };
    const weir = await world.another({ config: { ...config, workspaces: { ...config.workspaces, limited } } });
    const question = { key: RATE_LIMITED };
    expect((await world.ask(unified, question, weir)).status).toBe(200);
    const refused = await world.ask(unified, { ...question, stream: true }, weir);
    expect(expectRefused(refused, 429)).toMatch(/requests per minute/);
    expect(Number(refused.headers.get("retry-after"))).toBeWithin(1, 60);
    expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(refused.headers.has("anthropic-ratelimit-requests-limit")).toBe(false);
  });
}
