/** Counting the tokens of a request: the upstream's count, or the estimate; always an answer. */
import { expect } from "bun:test";
import { anthropic } from "./dialects.ts";
import { expectFailure, expectIds, KEY, type World } from "./world.ts";

const PATHS = ["/anthropic/eu/v1/messages/count_tokens", "/api/anthropic/v1/messages/count_tokens"];
const MESSAGES = [{ role: "user", content: "How many tokens are these twelve words, give or take a few?" }];

export function specifyCounting(world: World): void {
  const count = (body: object, path = PATHS[0] ?? "") =>
    world.call({ path, headers: { "content-type": "application/json", "x-api-key": KEY }, body: JSON.stringify(body) }).answered;
  const asked = () => world.sandbox.calls.recent.filter(({ path }) => path.endsWith("/count-tokens"));

  world.sentence("tokens are counted by the upstream, without max_tokens, on both paths", async () => {
    for (const path of PATHS) {
      const before = asked().length;
      const answered = await count({ model: "claude", messages: MESSAGES }, path);
      expectIds(answered);
      expect({ status: answered.status, answer: JSON.parse(answered.text) }).toEqual({
        status: 200,
        answer: { input_tokens: expect.any(Number) },
      });
      expect(asked().length).toBe(before + 1);
      expect(asked().at(-1)?.status).toBe(200);
    }
  });

  world.sentence("a whole request of a client can be counted as it is: tools, thoughts, betas", async () => {
    const tools = [{ name: "look", description: "Looks.", input_schema: { type: "object", properties: { at: { type: "string" } } } }];
    const small = JSON.parse((await count({ model: "claude", messages: MESSAGES })).text).input_tokens;
    const answered = await count({ model: "claude", messages: MESSAGES, system: "Be brief.", tools, stream: true, metadata: {} });
    expect(asked().at(-1)?.status).toBe(200);
    expect(JSON.parse(answered.text).input_tokens).toBeGreaterThan(small);
  });

  world.sentence("a model that the upstream does not count is estimated", async () => {
    const answered = await count({ model: "claude-by-profile", messages: MESSAGES });
    expect(asked().at(-1)).toMatchObject({ status: 400, path: expect.stringMatching(/^\/model\/anthropic\.claude-sonnet-4-5/) });
    expect(answered.status).toBe(200);
    const { input_tokens } = JSON.parse(answered.text);
    expect(input_tokens).toBeGreaterThan(10);
    expect(input_tokens).toBeLessThan(40);
  });

  world.sentence("`count_model` names the model to count by", async () => {
    const answered = await count({ model: "claude-counted-elsewhere", messages: MESSAGES });
    expect(asked().at(-1)).toMatchObject({ status: 200, path: expect.stringContaining("claude-3-haiku-20240307") });
    expect(answered.status).toBe(200);
  });

  world.sentence("where the upstream is away, refuses us or does not understand, the estimate is the answer", async () => {
    for (const model of ["claude-unreachable", "claude-misconfigured", "claude-recorded"]) {
      const answered = await count({ model, messages: MESSAGES });
      expect({ model, status: answered.status, answer: JSON.parse(answered.text) }).toEqual({
        model,
        status: 200,
        answer: { input_tokens: expect.any(Number) },
      });
    }
  });

  world.sentence("a large request is counted too", async () => {
    const content = "word ".repeat(40_000);
    const answered = await count({ model: "claude", messages: [{ role: "user", content }] });
    expect(JSON.parse(answered.text).input_tokens).toBeGreaterThan(30_000);
  });

  world.sentence("counting takes no tokens, and says so: its headers have requests alone", async () => {
    const answered = await count({ model: "claude", messages: MESSAGES });
    expect([...answered.headers.keys()].filter((name) => name.startsWith("x-ratelimit")).sort()).toEqual([
      "x-ratelimit-limit-requests",
      "x-ratelimit-remaining-requests",
      "x-ratelimit-reset-requests",
    ]);
    const line = await world.logged(answered);
    expect(line).toMatchObject({ outcome: "ok", input_tokens: 0, output_tokens: 0, model: "claude" });
  });

  world.sentence("what is wrong with the request is a 400 that names it, an unknown model a 404", async () => {
    const told = expectFailure(anthropic, await count({ model: "claude", messages: [] }), "invalid");
    expect(told.message).toContain("messages");
    expectFailure(anthropic, await count({ model: "nobody", messages: MESSAGES }), "not_found_model");
  });
}
