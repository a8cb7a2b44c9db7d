/**
 * Every model of the catalogue with all that a client may ask of one, by the vendors' own clients: served, or refused by the gateway in words that
 * name field and model. What the cloud would have to refuse never gets there.
 */
import { afterAll, beforeAll, describe, expect } from "bun:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { type FidelityWorld, KEY, modelsOf } from "./world.ts";

const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const MARK = { cache_control: { type: "ephemeral" as const } };
const TOOL = { name: "look", description: "Looks.", input_schema: SCHEMA };

/** Fields of a Messages request; what may be refused for a model is named by its field. */
const ASKED: Readonly<Record<string, { fields: object; betas?: string; refusedAs?: RegExp }>> = {
  nothing: { fields: {} },
  "thinking by budget": { fields: { thinking: { type: "enabled", budget_tokens: 1_024 } }, refusedAs: /^thinking/ },
  "adaptive thinking": { fields: { thinking: { type: "adaptive" } }, refusedAs: /^thinking/ },
  "no thinking": { fields: { thinking: { type: "disabled" } } },
  tools: { fields: { tools: [TOOL] } },
  "strict and deferred tools": {
    fields: {
      tools: [
        { ...TOOL, strict: true, defer_loading: true },
        { ...TOOL, name: "other" },
      ],
    },
  },
  "examples of tools": { fields: { tools: [{ ...TOOL, input_examples: [{ city: "Rome" }] }] }, betas: "advanced-tool-use-2025-11-20" },
  "a schema": { fields: { output_config: { format: { type: "json_schema", schema: SCHEMA } } }, refusedAs: /^output_config\.format/ },
  "an effort": { fields: { output_config: { effort: "high" } } },
  "the highest effort": { fields: { output_config: { effort: "max" } } },
  caching: { fields: { system: [{ type: "text", text: "Be brief.", ...MARK }], tools: [{ ...TOOL, ...MARK }] } },
  "caching for an hour, of all": {
    fields: { system: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral", ttl: "1h", scope: "global" } }], ...MARK },
  },
  "edits of the context": {
    fields: { context_management: { edits: [{ type: "clear_tool_uses_20250919" }] } },
    betas: "context-management-2025-06-27",
  },
  "all that Claude Code sends": {
    fields: {
      system: [
        { type: "text", text: "x-anthropic-billing-header: cc_version=2.1.330;" },
        { type: "text", text: "You are an agent.", ...MARK },
      ],
      tools: [TOOL],
      metadata: { user_id: "u" },
      context_management: { edits: [{ type: "clear_thinking_20251015", keep: "all" }] },
      output_config: { effort: "high" },
    },
    betas:
      "claude-code-20250219,interleaved-thinking-2025-05-14,thinking-token-count-2026-05-13,context-management-2025-06-27,prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,effort-2025-11-24",
  },
};

interface OpenaiRoute {
  /** What may be refused for a model is named by its field. */
  asked: Readonly<Record<string, { fields: object; refusedAs?: string }>>;
  ask(client: OpenAI, body: object, prompt: string): Promise<unknown>;
  /** The refusal of a model that has the other route alone. */
  elsewhere: RegExp;
}

const CHAT_TOOL = { type: "function", function: { name: "look", parameters: SCHEMA, strict: true } };
const RESPONSES_TOOL = { type: "function", name: "look", parameters: SCHEMA, strict: true };
const CHAT_SCHEMA = { response_format: { type: "json_schema", json_schema: { name: "a", schema: SCHEMA, strict: true } } };

const OPENAI_ROUTES: Readonly<Record<string, OpenaiRoute>> = {
  chat: {
    asked: {
      nothing: { fields: {} },
      "a limit by its older name": { fields: { max_tokens: 200 } },
      "a limit by its newer name": { fields: { max_completion_tokens: 200 } },
      tools: { fields: { tools: [CHAT_TOOL], parallel_tool_calls: true } },
      "a schema": { fields: CHAT_SCHEMA, refusedAs: "response_format" },
      "an effort": { fields: { reasoning_effort: "high" }, refusedAs: "reasoning_effort" },
      caching: { fields: { prompt_cache_key: "k" } },
    },
    ask: (client, body, content) =>
      client.chat.completions.create({
        ...body,
        messages: [{ role: "user", content }],
      } as unknown as OpenAI.ChatCompletionCreateParamsNonStreaming),
    elsewhere: /^400 .*\/v1\/responses/,
  },
  responses: {
    asked: {
      nothing: { fields: {} },
      "a limit": { fields: { max_output_tokens: 200 } },
      tools: { fields: { tools: [RESPONSES_TOOL], parallel_tool_calls: true } },
      "a schema": { fields: { text: { format: { type: "json_schema", name: "a", schema: SCHEMA, strict: true } } } },
      "an effort": { fields: { reasoning: { effort: "high" } }, refusedAs: "reasoning.effort" },
      "a summary of its thoughts": { fields: { reasoning: { summary: "auto" } }, refusedAs: "reasoning.summary" },
      "sealed thoughts": { fields: { include: ["reasoning.encrypted_content"], store: false } },
      caching: { fields: { prompt_cache_key: "k" } },
    },
    ask: (client, body, input) =>
      client.responses.create({ ...body, input } as unknown as OpenAI.Responses.ResponseCreateParamsNonStreaming),
    elsewhere: /^400 .*\/v1\/chat\/completions/,
  },
};

export function specifyModels(world: FidelityWorld): void {
  describe("by the SDK of Anthropic", () => {
    // It warns of models that are about to be retired, once for each call.
    const warn = console.warn;
    beforeAll(() => {
      console.warn = () => {};
    });
    afterAll(() => {
      console.warn = warn;
    });
    for (const model of modelsOf("bedrock")) {
      world.sentence(model, async () => {
        const client = new Anthropic({ baseURL: `${world.weir.url}/anthropic/eu`, apiKey: KEY, maxRetries: 0 });
        for (const [what, { fields, betas, refusedAs }] of Object.entries(ASKED)) {
          for (const stream of [false, true]) {
            const mark = world.mark();
            const body = { model, max_tokens: 2_000, messages: [{ role: "user", content: mark }], ...fields, stream };
            const headers = betas === undefined ? {} : { "anthropic-beta": betas };
            const asked = client.messages.create(body as unknown as Anthropic.MessageCreateParamsNonStreaming, { headers });
            let refused = "";
            try {
              const answer: unknown = await asked;
              if (stream) for await (const _ of answer as AsyncIterable<unknown>);
            } catch (thrown) {
              const { status, error } = thrown as { status?: number; error?: { error?: { message?: string } } };
              refused = `${status} ${error?.error?.message ?? String(thrown)}`;
            }
            if (refused !== "") {
              expect([what, refused]).toEqual([
                what,
                expect.stringMatching(new RegExp(`^400 ${refusedAs?.source.slice(1) ?? "(nothing is refused)"}`)),
              ]);
              expect(refused).toContain(model);
            }
            // Nothing was left to Bedrock to refuse.
            expect([what, world.callsWith(mark).map(({ status }) => status)]).toEqual([what, refused === "" ? [200] : []]);
          }
        }
      });
    }
  });

  describe("by the SDK of OpenAI", () => {
    for (const model of modelsOf("azure").filter((name) => !name.startsWith("text-embedding"))) {
      world.sentence(model, async () => {
        const client = new OpenAI({ baseURL: `${world.weir.url}/openai/eu/v1`, apiKey: KEY, maxRetries: 0 });
        const served: string[] = [];
        for (const [route, { asked, ask, elsewhere }] of Object.entries(OPENAI_ROUTES)) {
          for (const [what, { fields, refusedAs }] of Object.entries(asked)) {
            for (const stream of [false, true]) {
              const mark = world.mark();
              let refused = "";
              try {
                const answer = await ask(client, { model, ...fields, stream }, mark);
                if (stream) for await (const _ of answer as AsyncIterable<unknown>);
              } catch (thrown) {
                const { status, message } = thrown as { status?: number; message: string };
                // The SDK puts the status in front.
                refused = status === undefined ? String(thrown) : message;
              }
              const statuses = world.callsWith(mark).map(({ status }) => status);
              if (refused === "") served.push(route);
              if (elsewhere.test(refused)) {
                // The route that a model has not is refused by Weir, which names the other one and the model.
                expect([what, refused.includes(model), statuses]).toEqual([what, true, []]);
              } else {
                const words = refusedAs === undefined ? "" : expect.stringMatching(new RegExp(`^$|^400 .*'${refusedAs}'`));
                expect([route, what, refused]).toEqual([route, what, words]);
                expect([what, statuses]).toEqual([what, [refused === "" ? 200 : 400]]);
              }
            }
          }
        }
        expect(served.length).toBeGreaterThan(0);
      });
    }

    world.sentence("a model that reasons takes an effort, and one that does not is refused by it, on both routes", async () => {
      for (const [model, status] of [
        ["gpt-5-mini", 200],
        ["o3", 200],
        ["gpt-4o", 400],
        ["gpt-4.1", 400],
      ] as const) {
        expect([model, (await world.chat({ model, reasoning_effort: "low" })).status]).toEqual([model, status]);
        expect([model, (await world.responses({ model, input: "Hello", reasoning: { effort: "low" } })).status]).toEqual([model, status]);
      }
    });

    world.sentence("embeddings of each model for them, as numbers and as base64", async () => {
      const client = new OpenAI({ baseURL: `${world.weir.url}/openai/eu/v1`, apiKey: KEY, maxRetries: 0 });
      for (const model of modelsOf("azure").filter((name) => name.startsWith("text-embedding"))) {
        for (const encoding_format of ["float", "base64"] as const) {
          const { data } = await client.embeddings.create({ model, input: ["a", "b"], encoding_format });
          expect([model, data.length]).toEqual([model, 2]);
        }
      }
    });
  });
}
