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

/** Of a Messages request; what may be refused for a model is named by its field. */
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
        const content = () => world.mark();
        const chat = { model, max_tokens: 200, tools: [{ type: "function" as const, function: { name: "look", parameters: SCHEMA } }] };
        const responses = {
          model,
          max_output_tokens: 200,
          tools: [{ type: "function" as const, name: "look", parameters: SCHEMA, strict: true }],
        };
        const statusOf = async (asked: Promise<unknown>) =>
          await asked.then(
            () => 200,
            ({ status, message }) => `${status} ${message}`,
          );
        const marks: string[] = [];
        const next = () => {
          marks.push(content());
          return marks.at(-1) ?? "";
        };
        const byChat = await statusOf(client.chat.completions.create({ ...chat, messages: [{ role: "user", content: next() }] }));
        const byResponses = await statusOf(client.responses.create({ ...responses, input: next() }));
        if (byChat !== 200) expect(byChat).toMatch(/^400 .*\/v1\/responses/);
        if (byResponses !== 200) expect(byResponses).toMatch(/^400 .*\/v1\/chat\/completions/);
        expect([byChat, byResponses]).toContain(200);
        for (const mark of marks) for (const { status } of world.callsWith(mark)) expect(status).toBe(200);
      });
    }
  });
}
