/**
 * Loops of tools on models that think, by the vendors' own clients as they come: nothing is stored, and the thoughts of one turn are sealed for the account
 * or resource that had them. Two of each serve the models here.
 */
import { describe, expect } from "bun:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, stepCountIs, streamText, tool } from "ai";
import { generateText as generateText7, isStepCount, streamText as streamText7 } from "ai-7";
import { createAnthropic as createAnthropic4 } from "ai-sdk-anthropic-4";
import { createOpenAI as createOpenAI4 } from "ai-sdk-openai-4";
import OpenAI from "openai";
import { z } from "zod/v4";
import { eventsOf } from "../client.ts";
import { type FidelityWorld, type Json, KEY } from "./world.ts";

const AZURE = "gpt-two-resources";
const BEDROCK = "two-accounts";
const PARAMETERS = { type: "object" as const, properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };

interface Ask {
  prompt: string;
  stream: boolean;
  /** At the most. */
  steps: number;
}

/** One client's loop: how often tools were called, and the answer after that. */
interface Loop {
  model: string;
  run(ask: Ask): Promise<{ calls: number; text: string }>;
}

export function specifyLoops(world: FidelityWorld): void {
  const openai = () => new OpenAI({ baseURL: `${world.weir.url}/openai/eu/v1`, apiKey: KEY, maxRetries: 0 });
  const anthropic = () => new Anthropic({ baseURL: `${world.weir.url}/anthropic/eu`, apiKey: KEY, maxRetries: 0 });

  const loops: Record<string, Loop> = {
    "the OpenAI SDK's responses": {
      model: AZURE,
      async run({ prompt, stream, steps }) {
        const tools = [{ type: "function" as const, name: "look", parameters: PARAMETERS, strict: true }];
        const input: OpenAI.Responses.ResponseInput = [{ role: "user", content: prompt }];
        for (let calls = 0; calls <= steps; calls++) {
          const body = { model: AZURE, input, tools };
          const answer = stream ? await openai().responses.stream(body).finalResponse() : await openai().responses.create(body);
          const output = answer.output as OpenAI.Responses.ResponseOutputItem[];
          const called = output.filter((item) => item.type === "function_call");
          if (called.length === 0) return { calls, text: answer.output_text };
          input.push(...(output as OpenAI.Responses.ResponseInputItem[]));
          for (const { call_id } of called) input.push({ type: "function_call_output", call_id, output: "Fog." });
        }
        throw new Error("it goes on calling");
      },
    },
    // As `test/spec/clients/recorded/codex-0.171.0.json` has it, which streams alone.
    "Codex's requests": {
      model: AZURE,
      async run({ prompt, stream, steps }) {
        const session = crypto.randomUUID();
        const said = (role: string, text: string) => ({ type: "message", role, content: [{ type: "input_text", text }] });
        const input: Json[] = [said("developer", "You are Codex."), said("user", "<environment_context/>"), said("user", prompt)];
        for (let calls = 0; calls <= steps; calls++) {
          const body = {
            model: AZURE,
            stream,
            input,
            tools: [{ type: "function", name: "look", strict: false, parameters: PARAMETERS }],
            tool_choice: "auto",
            parallel_tool_calls: true,
            reasoning: { effort: "medium" },
            store: false,
            include: ["reasoning.encrypted_content"],
            prompt_cache_key: session,
            text: { verbosity: "low" },
            client_metadata: { session_id: session, turn_id: crypto.randomUUID() },
          };
          const answer = await world.responses(body, { "session-id": session, originator: "codex_exec" });
          expect([answer.status, answer.dropped]).toEqual([200, ["client_metadata"]]);
          const done = stream ? (JSON.parse(eventsOf(answer.text).at(-1)?.data ?? "{}").response as Json) : answer.json;
          const output = done.output as Json[];
          const called = output.filter(({ type }) => type === "function_call");
          if (called.length === 0) return { calls, text: JSON.stringify(output.at(-1)?.content) };
          input.push(...output);
          for (const { call_id } of called) input.push({ type: "function_call_output", call_id, output: "Fog." });
        }
        throw new Error("it goes on calling");
      },
    },
    "the OpenAI SDK's chat completions": {
      model: AZURE,
      async run({ prompt, stream, steps }) {
        let calls = 0;
        const look = {
          type: "function" as const,
          function: { name: "look", description: "Looks.", parameters: PARAMETERS, parse: JSON.parse, function: () => `Fog ${++calls}.` },
        };
        const body = { model: AZURE, messages: [{ role: "user" as const, content: prompt }], tools: [look] };
        const options = { maxChatCompletions: steps + 1 };
        const { completions } = openai().chat;
        const text = stream
          ? await completions.runTools({ ...body, stream: true }, options).finalContent()
          : await completions.runTools(body, options).finalContent();
        return { calls, text: text ?? "" };
      },
    },
    "the Anthropic SDK": {
      model: BEDROCK,
      async run({ prompt, stream, steps }) {
        const messages: Anthropic.MessageParam[] = [{ role: "user", content: prompt }];
        const tools = [{ name: "look", input_schema: PARAMETERS }];
        for (let calls = 0; calls <= steps; calls++) {
          const thinking = { type: "enabled" as const, budget_tokens: 1_024 };
          const body = { model: BEDROCK, max_tokens: 4_000, thinking, messages, tools };
          const answer = stream ? await anthropic().messages.stream(body).finalMessage() : await anthropic().messages.create(body);
          const called = answer.content.filter((block) => block.type === "tool_use");
          if (called.length === 0)
            return { calls, text: answer.content.map((block) => (block.type === "text" ? block.text : "")).join("") };
          messages.push({ role: "assistant", content: answer.content as Anthropic.ContentBlockParam[] });
          messages.push({ role: "user", content: called.map(({ id }) => ({ type: "tool_result", tool_use_id: id, content: "Fog." })) });
        }
        throw new Error("it goes on calling");
      },
    },
  };

  const thinking = { anthropic: { thinking: { type: "enabled", budgetTokens: 1_024 } } };
  const reach = () => ({ baseURL: `${world.weir.url}/openai/eu/v1`, apiKey: KEY });
  const reachAnthropic = () => ({ baseURL: `${world.weir.url}/anthropic/eu/v1`, apiKey: KEY });
  const libraries = {
    "the Vercel AI SDK 6": {
      generate: generateText,
      stream: streamText,
      until: stepCountIs,
      openai: createOpenAI,
      anthropic: createAnthropic,
    },
    "the Vercel AI SDK 7": {
      generate: generateText7,
      stream: streamText7,
      until: isStepCount,
      openai: createOpenAI4,
      anthropic: createAnthropic4,
    },
  };
  for (const [name, library] of Object.entries(libraries)) {
    const run =
      (model: () => unknown, more: object = {}) =>
      async ({ prompt, stream, steps }: Ask) => {
        const look = tool({ description: "Looks.", inputSchema: z.object({ city: z.string() }), execute: async () => "Fog." });
        const options = { model: model(), prompt, maxRetries: 0, stopWhen: library.until(steps + 1), tools: { look }, ...more };
        // The majors agree in all that is asked of them here; their types do not.
        const { generate, stream: begin } = library as unknown as { generate(o: object): Promise<Result>; stream(o: object): StreamResult };
        if (!stream) {
          const { text, steps: done } = await generate(options);
          return { calls: done.length - 1, text };
        }
        const failures: unknown[] = [];
        const going = begin({ ...options, onError: ({ error }: { error: unknown }) => failures.push(error) });
        for await (const _ of going.textStream);
        expect(failures).toEqual([]);
        return { calls: (await going.steps).length - 1, text: await going.text };
      };
    loops[`${name}, as it is`] = { model: AZURE, run: run(() => library.openai(reach())(AZURE)) };
    loops[`${name}, with store: false`] = {
      model: AZURE,
      run: run(() => library.openai(reach())(AZURE), { providerOptions: { openai: { store: false } } }),
    };
    loops[`${name}'s chat completions`] = { model: AZURE, run: run(() => library.openai(reach()).chat(AZURE)) };
    loops[`${name} with Claude, which thinks`] = {
      model: BEDROCK,
      run: run(() => library.anthropic(reachAnthropic())(BEDROCK), { providerOptions: thinking, maxOutputTokens: 4_000 }),
    };
  }

  for (const [client, { run }] of Object.entries(loops)) {
    describe(`a loop of tools by ${client}`, () => {
      for (const rounds of [2, 6])
        for (const stream of [false, true])
          world.sentence(
            `of ${rounds} turns, ${stream ? "streamed" : "whole"}, meets no refusal over two resources`,
            async () => {
              const marks = Array.from({ length: 4 }, () => world.mark());
              const talks = marks.map((mark) =>
                run({ prompt: `[sandbox: rounds=${rounds} tool=look] <${mark}> Go on`, stream, steps: rounds }),
              );
              for (const { calls, text } of await Promise.all(talks)) {
                expect(calls).toBe(rounds);
                expect(text).toContain("The tool answered: “Fog");
              }
              for (const mark of marks) {
                const sent = world.callsWith(`<${mark}>`);
                expect(sent.map(({ status }) => status)).toEqual(Array.from({ length: rounds + 1 }, () => 200));
              }
            },
            20_000,
          );
    });
  }

  world.sentence("the conversations of these loops were shared among both resources and both accounts", () => {
    const seen = [world.sandbox, world.other].map(({ calls }) =>
      [...calls.recent].filter(({ body }) => JSON.stringify(body)?.includes("tool=look")).map(({ path }) => path.startsWith("/model/")),
    );
    for (const paths of seen) expect(new Set(paths)).toEqual(new Set([true, false]));
  });
}

interface Result {
  text: string;
  steps: unknown[];
}
interface StreamResult {
  textStream: AsyncIterable<string>;
  text: PromiseLike<string>;
  steps: PromiseLike<unknown[]>;
}
