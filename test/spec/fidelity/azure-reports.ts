/** Reports of what Azure refused through other gateways, each as what is right. */
import { describe, expect } from "bun:test";
import { zstdCompressSync } from "node:zlib";
import { eventsOf } from "../client.ts";
import { type FidelityWorld, type Json, KEY } from "./world.ts";

const errorOf = (json: Json) => json.error as { message: string; code: string | null; param: string | null; type: string };

export function specifyAzureReports(world: FidelityWorld): void {
  describe("names of parameters", () => {
    world.sentence("max_tokens is renamed for a model that the configuration names behind its deployment", async () => {
      const mark = world.mark();
      const answer = await world.chat({ model: "assistant-known", max_tokens: 50, messages: [{ role: "user", content: mark }] });
      expect(answer.status).toBe(200);
      expect(world.callsWith(mark).map(({ body }) => [body.max_tokens, body.max_completion_tokens])).toEqual([[undefined, 50]]);
    });

    world.sentence(
      "else it is renamed after the first refusal, and remembered (sample-app-aoai-chatGPT#1514; opencode#37964)",
      async () => {
        const ask = async () => {
          const mark = world.mark();
          const answer = await world.chat({ model: "assistant-prod", max_tokens: 50, messages: [{ role: "user", content: mark }] });
          return { status: answer.status, calls: world.callsWith(mark).length };
        };
        expect(await ask()).toEqual({ status: 200, calls: 2 });
        const later: { status: number; calls: number }[] = [];
        for (let nth = 0; nth < 6; nth++) later.push(await ask());
        expect(later.every(({ status }) => status === 200)).toBe(true);
        // Each of the two workers learns for itself.
        expect(later.filter(({ calls }) => calls === 2).length).toBeLessThanOrEqual(1);
        await world.weir.logged(({ cause }) =>
          String(cause).includes('models["assistant-prod"].accepts: { fields: { remove: [max_tokens] } }'),
        );
      },
    );

    world.sentence("what a model refuses without another name for it is the client's to change", async () => {
      const answer = await world.chat({ model: "gpt-5-mini", temperature: 0.5 });
      expect([answer.status, errorOf(answer.json).code]).toEqual([400, "unsupported_parameter"]);
    });
  });

  describe("routes", () => {
    world.sentence(
      "chat with a model that has Responses alone is a 400 that names the route (opencode#9035; langchain-azure#228)",
      async () => {
        for (const model of ["gpt-5.2-codex", "coder-prod"]) {
          const answer = await world.chat({ model });
          expect([answer.status, errorOf(answer.json).param]).toEqual([400, "model"]);
          expect(errorOf(answer.json).message).toContain("/v1/responses");
        }
        expect((await world.responses({ model: "coder-prod", input: "Hello" })).status).toBe(200);
      },
    );

    world.sentence(
      "a body of the one route on the other is a 400 that names the right one (Cursor-Azure-GPT-5#69; Helicone#5629)",
      async () => {
        const flat = { type: "function", name: "look", parameters: { type: "object", properties: {} } };
        const chat = await world.post("/openai/eu/v1/chat/completions", { model: "gpt-5-mini", input: "Hello", tools: [flat] });
        expect([chat.status, errorOf(chat.json).message]).toEqual([400, expect.stringContaining("/v1/responses")]);
        const responses = await world.responses({ model: "gpt-5-mini", messages: [{ role: "user", content: "Hello" }] });
        expect([responses.status, errorOf(responses.json).message]).toEqual([400, expect.stringContaining("/v1/chat/completions")]);
      },
    );

    world.sentence(
      "a WebSocket upgrade on /responses is refused in the one way after which Codex goes on by HTTP at once (codex-proxy#681; codex#43353)",
      async () => {
        const { createConnection } = await import("node:net");
        const port = Number(new URL(world.weir.url).port);
        const head = await new Promise<string>((resolve, reject) => {
          const socket = createConnection({ port, host: "127.0.0.1" }, () => {
            const upgrade =
              "connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
            socket.write(`GET /openai/eu/v1/responses HTTP/1.1\r\nhost: weir.test\r\nauthorization: Bearer ${KEY}\r\n${upgrade}\r\n`);
          });
          socket.once("data", (bytes) => {
            socket.destroy();
            resolve(bytes.toString().split("\r\n", 1)[0] ?? "");
          });
          socket.once("error", reject);
        });
        expect(head).toStartWith("HTTP/1.1 426 Upgrade Required");
      },
    );

    world.sentence("Codex reads models beside data (litellm#36854; codex#22205)", async () => {
      const { json } = await world.ask("/openai/eu/v1/models");
      expect(json.models).toEqual([]);
      expect((json.data as unknown[]).length).toBeGreaterThan(10);
    });
  });

  describe("Codex", () => {
    world.sentence("a body in zstd is taken (codex-proxy-rs PR#66; cc-switch-cli#469)", async () => {
      const body = zstdCompressSync(JSON.stringify({ model: "gpt-5-mini", input: "Hello" }));
      const answer = await world.ask("/openai/eu/v1/responses", { method: "POST", body, headers: { "content-encoding": "zstd" } });
      expect(answer.status).toBe(200);
    });

    world.sentence("a conversation is compacted, and it counts (codex#25939, #17773)", async () => {
      const input = [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hello" }] }];
      const answer = await world.post("/openai/eu/v1/responses/compact", { model: "gpt-5-mini", input });
      expect([answer.status, answer.json.object]).toEqual([200, "response.compaction"]);
      expect(answer.headers.get("x-ratelimit-limit-tokens")).not.toBeNull();
      const line = await world.weir.logged(({ request_id }) => request_id === answer.headers.get("request-id"));
      expect([line.outcome, line.output_tokens]).toEqual(["ok", 12]);
      const next = await world.responses({ model: "gpt-5-mini", input: [...(answer.json.output as Json[]), ...input] });
      expect(next.status).toBe(200);
    });

    world.sentence("the tokens of an input are counted", async () => {
      const answer = await world.post("/openai/eu/v1/responses/input_tokens", { model: "gpt-5-mini", input: "Hello, how are you?" });
      expect([answer.status, answer.json]).toEqual([200, { object: "response.input_tokens", input_tokens: expect.any(Number) }]);
    });
  });

  describe("thoughts", () => {
    const user = (content: string) => ({ role: "user", content });

    world.sentence(
      "a second turn works with what the SDKs send by default (bifrost#6382; twenty PR#23182; openclaw#21782; langchain PR#38372)",
      async () => {
        const first = await world.responses({ model: "gpt-5-mini", input: [user("Hello")] });
        expect(first.status).toBe(200);
        const output = first.json.output as Json[];
        expect(output.find(({ type }) => type === "reasoning")?.encrypted_content).toBeString();
        const second = await world.responses({ model: "gpt-5-mini", input: [user("Hello"), ...output, user("Go on")] });
        expect(second.status).toBe(200);
        // Of an answer from before, without a seal.
        const hollow = { type: "reasoning", id: "rs_from_before", summary: [] };
        const third = await world.responses({ model: "gpt-5-mini", input: [user("Hello"), hollow, ...output.slice(1), user("Go on")] });
        expect(third.status).toBe(200);
      },
    );

    world.sentence("what the client includes itself stays, and models that do not reason are asked for nothing", async () => {
      const mark = world.mark();
      await world.responses({ model: "gpt-5-mini", input: mark, include: ["message.output_text.logprobs"] });
      expect(world.callsWith(mark)[0]?.body.include).toEqual(["message.output_text.logprobs", "reasoning.encrypted_content"]);
      const plain = world.mark();
      await world.responses({ model: "gpt-4o", input: plain });
      expect(world.callsWith(plain)[0]?.body).not.toHaveProperty("include");
    });

    for (const stream of [false, true]) {
      world.sentence(
        `eight conversations of six turns over two resources meet no refusal, ${stream ? "streamed" : "whole"} (litellm#40364; openai-agents-python#2063; opencode#29879)`,
        async () => {
          const talk = async (nth: number) => {
            const input: Json[] = [user(`Conversation ${nth} ${stream}`)];
            for (let turn = 0; turn < 6; turn++) {
              const tools = [{ type: "function", name: "look", parameters: { type: "object", properties: {} } }];
              const answer = await world.responses({ model: "gpt-two-resources", input, tools, stream });
              expect([answer.status, answer.status === 200 ? "" : answer.text]).toEqual([200, ""]);
              const done = stream ? (JSON.parse(eventsOf(answer.text).at(-1)?.data ?? "{}").response as Json) : answer.json;
              for (const item of done.output as Json[]) {
                input.push(item);
                if (item.type === "function_call") input.push({ type: "function_call_output", call_id: item.call_id, output: "Fog." });
              }
              input.push(user("Go on"));
            }
          };
          await Promise.all(Array.from({ length: 8 }, (_, nth) => talk(nth)));
          expect(world.sandbox.calls.recent.some(({ body }) => JSON.stringify(body)?.includes(`Conversation`))).toBe(true);
          expect(world.other.calls.recent.some(({ body }) => JSON.stringify(body)?.includes(`Conversation`))).toBe(true);
        },
        30_000,
      );
    }
  });

  world.sentence("two targets at 3 : 1 get as much where a model's tokens are counted exactly", async () => {
    const marks = Array.from({ length: 80 }, () => world.mark());
    const answers = await Promise.all(
      marks.map((mark) => world.chat({ model: "three-to-one", messages: [{ role: "user", content: `${mark}.` }] })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const [here = 0, there = 0] = [world.sandbox, world.other].map(
      ({ calls }) => calls.recent.filter(({ body }) => marks.some((mark) => JSON.stringify(body)?.includes(`"${mark}."`))).length,
    );
    expect(here + there).toBe(80);
    // 60 : 20, and six deviations of 3.9 beside it.
    expect(here).toBeWithin(37, 80);
    expect(there).toBeGreaterThan(0);
  });

  describe("streams", () => {
    const chat = (prompt: string) => world.chat({ model: "gpt-4o", stream: true, messages: [{ role: "user", content: prompt }] });

    world.sentence("one that ends well after its finish_reason without [DONE] gets one (experiential PR#962)", async () => {
      const answer = await chat("[sandbox: tokens=20 filter after=5 truncate]");
      const events = eventsOf(answer.text);
      expect(answer.text).toContain('"finish_reason":"content_filter"');
      expect(answer.text).not.toContain('"error"');
      expect(events.at(-1)?.data).toBe("[DONE]");
    });

    world.sentence("one that ends in the midst gets none", async () => {
      const answer = await chat("[sandbox: tokens=20 truncate after=5]");
      expect(answer.text).not.toContain("[DONE]");
      expect(answer.text).toContain('"error"');
    });

    for (const code of ["content_filter", "context_length_exceeded"]) {
      world.sentence(`one whose first event is an error of ${code} is a 400 (llmgateway PR#1626; LibreChat#13132)`, async () => {
        const answer = await chat(`[sandbox: exception type=${code}]`);
        expect([answer.status, errorOf(answer.json).code]).toEqual([400, code]);
      });
    }

    world.sentence("one whose first event is a limit is a 429 that says when to return", async () => {
      const answer = await chat("[sandbox: exception type=rate_limit_exceeded]");
      expect(answer.status).toBe(429);
      expect(Number(answer.headers.get("retry-after"))).toBeWithin(1, 60);
    });

    world.sentence("an upstream's 502 and 504 keep their numbers", async () => {
      for (const status of [502, 504])
        expect((await world.chat({ model: "gpt-4o", messages: [{ role: "user", content: `[sandbox: status=${status}]` }] })).status).toBe(
          status,
        );
    });
  });
}
